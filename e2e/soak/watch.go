package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"text/tabwriter"
	"time"
)

// figures are what a cloud takes of its machine at one moment.
type figures struct {
	goroutines, connections, files int
	processes, functions           int // all that the cloud started; those of them that are functions
	memory                         int // resident, in KB
}

func (f figures) String() string {
	return fmt.Sprintf("%d goroutines, %d connections, %d open files, %d processes with %d functions, %d MB", f.goroutines, f.connections, f.files, f.processes, f.functions, f.memory>>10)
}

// look takes the figures.
func (s *system) look(ctx context.Context) (f figures, err error) {
	pid := s.process.Cmd.Process.Pid
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.process.Endpoints.Cloud+"/_quotewire/health", nil)
	if err != nil {
		return f, err
	}
	response, err := s.client.Do(r)
	if err != nil {
		return f, err
	}
	defer response.Body.Close()
	var health struct{ Goroutines, Connections int }
	if err := json.NewDecoder(response.Body).Decode(&health); err != nil {
		return f, fmt.Errorf("health: %w", err)
	}
	f.goroutines, f.connections = health.Goroutines, health.Connections
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return f, err
	}
	processes, functions := descendants(pid)
	f.files, f.processes, f.functions = len(open), len(processes), len(functions)
	status, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return f, err
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			f.memory, err = strconv.Atoi(strings.Fields(rest)[0])
			return f, err
		}
	}
	return f, errors.New("/proc tells no VmRSS")
}

// descendants returns the processes below pid: functions, what confines them, and what the cloud keeps for that. Those
// named bootstrap are the functions themselves.
func descendants(pid int) (all, functions []int) {
	type process struct {
		id   int
		name string
	}
	below := map[int][]process{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// ID (NAME) STATE PARENT …; the name may hold anything.
		begin, end := strings.IndexByte(string(text), '('), strings.LastIndexByte(string(text), ')')
		if begin < 0 || end < begin {
			continue
		}
		fields := strings.Fields(string(text[end+1:]))
		if len(fields) < 2 {
			continue
		}
		id, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		parent, _ := strconv.Atoi(fields[1])
		below[parent] = append(below[parent], process{id, string(text[begin+1 : end])})
	}
	for next := below[pid]; len(next) > 0; {
		p := next[0]
		next = append(next[1:], below[p.id]...)
		all = append(all, p.id)
		if p.name == "bootstrap" {
			functions = append(functions, p.id)
		}
	}
	return all, functions
}

// watch looks at the figures once a second.
type watch struct {
	s         *system
	base, end figures
	cancel    context.CancelFunc
	done      sync.WaitGroup

	mu   sync.Mutex // protects peak
	peak figures
}

func newWatch(ctx context.Context, s *system) *watch {
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{s: s, cancel: cancel}
	w.done.Go(func() {
		for wait(ctx, time.Second) == nil {
			f, err := s.look(ctx)
			if err != nil {
				continue // the quiet looks at both ends tell
			}
			w.mu.Lock()
			p := &w.peak
			p.goroutines, p.connections, p.files = max(p.goroutines, f.goroutines), max(p.connections, f.connections), max(p.files, f.files)
			p.processes, p.functions, p.memory = max(p.processes, f.processes), max(p.functions, f.functions), max(p.memory, f.memory)
			w.mu.Unlock()
		}
	})
	return w
}

// stop ends the watch and returns err.
func (w *watch) stop(err error) error {
	w.cancel()
	w.done.Wait()
	return err
}

func (w *watch) baseline(ctx context.Context) (err error) {
	w.base, err = w.s.settled(ctx)
	return err
}

func (w *watch) last(ctx context.Context) (err error) {
	w.end, err = w.s.settled(ctx)
	return err
}

// settled returns the least of each figure over some seconds: what is on its way out does not count. The connection that
// looks is kept by the client, and is in all of them.
func (s *system) settled(ctx context.Context) (least figures, err error) {
	for i := range 20 {
		f, err := s.look(ctx)
		if err != nil {
			return f, err
		}
		if i == 0 {
			least = f
		}
		least = figures{
			goroutines: min(least.goroutines, f.goroutines), connections: min(least.connections, f.connections), files: min(least.files, f.files),
			processes: min(least.processes, f.processes), functions: min(least.functions, f.functions), memory: min(least.memory, f.memory),
		}
		if err := wait(ctx, 500*time.Millisecond); err != nil {
			return f, err
		}
	}
	return least, nil
}

// Leaks of one for each of something that happened thousands of times are far above what these allow.
const (
	countSlack  = 10
	memorySlack = 48 << 10 // KB; the runtime gives memory back when it pleases
)

func (w *watch) goroutinesGrew() bool { return w.end.goroutines > w.base.goroutines+countSlack }

// stacks ends the cloud and returns by whom its goroutines were created, the most frequent first.
func (s *system) stacks() string {
	s.process.Cmd.Process.Signal(syscall.SIGQUIT)
	<-s.process.Done
	creators := map[string]int{}
	for line := range strings.Lines(s.process.Log.String()) {
		if by, ok := strings.CutPrefix(line, "created by "); ok {
			by, _, _ = strings.Cut(by, " in goroutine")
			creators[strings.TrimSpace(by)]++
		}
	}
	names := sortedKeys(creators)
	slices.SortStableFunc(names, func(a, b string) int { return creators[b] - creators[a] })
	var b strings.Builder
	b.WriteString("\ngoroutines\tcreated by\n")
	for _, name := range names {
		fmt.Fprintf(&b, "%d\t%s\n", creators[name], name)
	}
	return b.String()
}

// print prints the figures, and returns whether something grew.
func (w *watch) print(out io.Writer) (grew bool) {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tbaseline\tpeak\tend\tmay be\t\t")
	row := func(name string, base, peak, end, most int) {
		verdict := "ok"
		if end > most {
			verdict, grew = "GREW", true
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%s\t\n", name, base, peak, end, most, verdict)
	}
	b, p, e := w.base, w.peak, w.end
	row("goroutines", b.goroutines, p.goroutines, e.goroutines, b.goroutines+countSlack)
	row("connections", b.connections, p.connections, e.connections, b.connections)
	row("open files", b.files, p.files, e.files, b.files+countSlack)
	row("processes", b.processes, p.processes, e.processes, b.processes)
	row("of them functions", b.functions, p.functions, e.functions, b.functions)
	row("resident memory (MB)", b.memory>>10, p.memory>>10, e.memory>>10, (b.memory*5/4+memorySlack)>>10)
	t.Flush()
	return grew
}

// sortedKeys returns the keys of m in their order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
