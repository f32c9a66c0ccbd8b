//go:build linux

// Command bench measures Quotewire beside the best of its field and writes docs/performance.md: ./scripts/bench runs it.
//
// The server under test runs on core 0 and the load generator (loadgen) on core 1, so every figure is for one core. The
// servers take turns within each repetition, so that the noise of a machine falls on all of them; figures of different
// runs must not be compared, and ratios are taken within one. Results are kept as lines of JSON as they come: a cell that
// fails is said so and costs nothing but itself, and --resume goes on where a run was interrupted.
//
// What is measured is in sections.go, the servers are in servers.go; the programs are in the folders below.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

type options struct {
	quick, resume, report bool
	only                  string
	reps                  int
	dir, doc              string
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	var o options
	flag.BoolVar(&o.quick, "quick", false, "finish in five minutes: fewer sockets, fewer servers, one repetition")
	flag.StringVar(&o.only, "only", "", "measure only these `SECTIONS`, with commas between them: "+strings.Join(sectionNames(), ", "))
	flag.IntVar(&o.reps, "reps", 0, "repeat each cell `N` times (default: as each section says, 1 with --quick)")
	flag.BoolVar(&o.resume, "resume", false, "go on with an interrupted run: measure only what it has not")
	flag.BoolVar(&o.report, "report", false, "measure nothing: rewrite the document from the last results")
	flag.StringVar(&o.dir, "dir", ".bench", "keep programs and results in `DIR`")
	flag.StringVar(&o.doc, "doc", "docs/performance.md", "rewrite the tables and plots of this `FILE`; empty: print them")
	flag.Parse()
	if flag.NArg() > 0 {
		log.Fatalf("bench takes no arguments, got %q", flag.Args())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, o options) error {
	sections, err := choose(o)
	if err != nil {
		return err
	}
	var err2 error
	if o.dir, err2 = filepath.Abs(o.dir); err2 != nil {
		return err2
	}
	if err := os.MkdirAll(o.dir, 0o777); err != nil {
		return err
	}
	journal, err := openJournal(filepath.Join(o.dir, "results.jsonl"))
	if err != nil {
		return err
	}
	if !o.report {
		if !o.resume {
			if err := journal.forget(sections); err != nil {
				return err
			}
		}
		bench, err := prepare(ctx, o, journal)
		if err != nil {
			return err
		}
		began := time.Now()
		failed := bench.measure(ctx, sections)
		fmt.Fprintf(os.Stderr, "measured in %v\n", time.Since(began).Round(time.Second))
		if failed > 0 {
			fmt.Fprintf(os.Stderr, "%d cells failed; they are named above and in the tables\n", failed)
		}
	}
	return write(o, journal, sections)
}

// choose returns the sections that are asked for.
func choose(o options) ([]section, error) {
	all := sections(o.quick, o.reps)
	if o.only == "" {
		return all, nil
	}
	var chosen []section
	for name := range strings.SplitSeq(o.only, ",") {
		found := false
		for _, s := range all {
			if s.name == name {
				chosen, found = append(chosen, s), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no section %q: there are %s", name, strings.Join(sectionNames(), ", "))
		}
	}
	return chosen, nil
}
