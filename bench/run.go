//go:build linux

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"quotewire/bench/measure"
)

// bench is a run.
type bench struct {
	options
	journal *journal
	bin     string
	pin     bool              // servers on core 0, the load generator on core 1
	sockets int               // that the limit on open files allows a server
	unbuilt map[string]string // programs that could not be built, and why
}

// prepare builds everything. What cannot be built is said, and its cells fail.
func prepare(ctx context.Context, o options, j *journal) (*bench, error) {
	b := &bench{options: o, journal: j, bin: filepath.Join(o.dir, "bin"), unbuilt: map[string]string{}}
	if err := os.MkdirAll(b.bin, 0o777); err != nil {
		return nil, err
	}
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return nil, err
	}
	files.Cur = files.Max
	unix.Setrlimit(unix.RLIMIT_NOFILE, &files) // the programs inherit it
	b.sockets = int(min(files.Max, 1<<20)) - 1000
	if _, err := exec.LookPath("taskset"); err == nil && runtime.NumCPU() > 1 {
		b.pin = true
	} else {
		fmt.Fprintln(os.Stderr, "bench: no taskset or no second core: the server and the load generator share what there is, and absolute times mean little")
	}
	// Not everywhere is everything that one of them needs.
	build := func(names string, dir string, command ...string) {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			why := strings.TrimSpace(fmt.Sprintf("%v\n%s", err, out))
			fmt.Fprintf(os.Stderr, "bench: %s: left out: %s\n", names, why)
			for name := range strings.SplitSeq(names, " ") {
				b.unbuilt[name] = why
			}
		}
	}
	build("loadgen gateway quotewire roundtrip", ".", "go", "build", "-o", b.bin+"/", "./bench/loadgen", "./bench/gateway", "./cmd/quotewire", "./bench/roundtrip")
	if why := b.unbuilt["loadgen"]; why != "" {
		return nil, errors.New("nothing can be measured without the load generator")
	}
	build("golimit gobwas nbio gws coder centrifuge nats", "bench/peers", "go", "build", "-o", b.bin+"/", "./...")
	uring := "-luring"
	if _, err := os.Stat("/usr/include/liburing.h"); err != nil {
		fmt.Fprintln(os.Stderr, "bench: there is no liburing: the limit is built without io_uring")
		uring = "-DNO_URING"
	}
	build("limit", "bench/limit", "gcc", "-O2", "-o", filepath.Join(b.bin, "limit"), "limit.c", uring)
	return b, nil
}

// measure measures the cells of sections, and returns how many failed.
func (b *bench) measure(ctx context.Context, sections []section) (failed int) {
	for _, s := range sections {
		began := time.Now()
		for rep := range s.reps() {
			for _, w := range s.workloads {
				for _, name := range w.servers {
					if rep >= w.reps || w.sockets > b.sockets || b.resume && b.journal.has(s.name, name, w.name, rep) {
						continue
					}
					if ctx.Err() != nil {
						return failed
					}
					for _, r := range b.cell(ctx, w, name) {
						r.Server, r.Rep = name, rep
						if r.Workload == "" {
							r.Workload = w.name
						}
						if r.Error != "" && ctx.Err() == nil {
							failed++
							fmt.Fprintf(os.Stderr, "bench: %s, %s %s: %s\n", s.name, name, w.name, r.Error)
						}
						if err := b.journal.add(entry{Section: s.name, When: time.Now().UTC(), Command: b.command(s.name), Result: r}); err != nil {
							fmt.Fprintln(os.Stderr, "bench: a result could not be kept:", err)
						}
					}
				}
			}
		}
		fmt.Fprintf(os.Stderr, "%s  %s: %v\n", time.Now().Format(time.TimeOnly), s.name, time.Since(began).Round(time.Second))
	}
	return failed
}

// command is what a person types to measure a section again.
func (b *bench) command(section string) string {
	c := "./scripts/bench --only " + section
	if b.quick {
		c += " --quick"
	}
	if b.reps > 0 {
		c += " --reps " + strconv.Itoa(b.reps)
	}
	return c
}

// cellTimeout bounds one run of one server.
const cellTimeout = 8 * time.Minute

// cell runs one workload against one server.
func (b *bench) cell(ctx context.Context, w workload, name string) []measure.Result {
	ctx, cancel := context.WithTimeout(ctx, cellTimeout)
	defer cancel()
	run := w.run
	if run == nil {
		run = (*bench).load
	}
	rs, err := run(b, ctx, w, name)
	if err != nil {
		return append(rs, measure.Result{Error: err.Error()})
	}
	return rs
}

// load runs the load generator against a server.
func (b *bench) load(ctx context.Context, w workload, name string) ([]measure.Result, error) {
	s, err := b.start(ctx, name)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	hello, greet := servers[name].hello, servers[name].greet
	args := []string{"-n", strconv.Itoa(w.sockets), "-hello", hello, "-greet", strconv.Itoa(greet), "-sign", s.Sign}
	url := s.WS
	if w.secure || servers[name].secure {
		url = s.WSS
	}
	switch {
	case w.mode == "push":
		args = append(args, "-post", s.Post)
	case s.Listen != "":
		args = append(args, "-post", s.Publish, "-body", cmp.Or(w.topics, publishes), "-subscribe", s.Listen, "-topics", topics)
	default:
		args = append(args, "-post", s.Publish, "-body", cmp.Or(w.body, message))
	}
	r, err := b.generate(ctx, s.pid, w, append(args, "-url", url)...)
	if err != nil {
		return nil, err
	}
	return []measure.Result{r}, nil
}

// generate runs the load generator on core 1.
func (b *bench) generate(ctx context.Context, pid int, w workload, args ...string) (r measure.Result, err error) {
	args = append([]string{filepath.Join(b.bin, "loadgen"), "-mode", w.mode, "-workload", w.name, "-pid", strconv.Itoa(pid)}, append(args, w.args...)...)
	if b.pin {
		args = append([]string{"taskset", "-c", "1"}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return r, fmt.Errorf("%v: %s", err, bytes.TrimSpace(errs.Bytes()))
	}
	return r, json.Unmarshal(out.Bytes(), &r)
}
