// Package faults holds the deployer to its promise that a run which went wrong anywhere is repaired by running it again.
//
// A trial is a run on a cloud of its own: the first deploy of a script, a change of everything in it that can change, or its
// teardown. The scripts have between them a part of every kind that there is. For each single call that the run takes, in turn, the call is
// throttled, fails inside the cloud, loses its answer, or is where the quotewire that makes it is killed: with a SIGKILL,
// before the call has reached the cloud or when it has been carried out, or by Ctrl-C, which lets it finish what is under
// way. Then the run is made again, and the cloud must
// hold exactly what an undisturbed run leaves there.
//
// The clouds are the embedded one and moto, a server that nobody here wrote, as far as they have what the scripts ask for.
//
// go test takes a sample. All of them:
//
//	go test ./e2e/faults -every 1 -v
package faults

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"quotewire/deploy"
	outside "quotewire/e2e/rig"
)

var (
	every  = flag.Int("every", 97, "try one in `N` cases; with an N that shares no factor with the number of faults, each has its turn")
	which  = flag.String("only", "", "try only the calls whose name begins so, such as CreateRole, or of APIs their method and path, such as PATCH /v2/apis, and all faults at them")
	report = flag.String("report", "", "write what was tried and survived to this `FILE`")
)

// slots is how many cases are tried at a time.
const slots = 2

// system is what is deployed: testdata/NAME.dply, and NAME-changed.dply with whatever can change changed.
type system struct {
	name   string
	clouds []string // that have what it asks for; "whole moto" has AWS's own policies as well
}

var systems = []system{
	{"system", []string{"cloud", wholeMoto}},
	{"network", []string{"cloud", "moto"}},
	{"parts", []string{"cloud"}}, // moto has no deployments of APIs, and does not update stages, domain names and mappings
	{"link", []string{"moto"}},   // the embedded cloud has no VPC links
	{"data", []string{"moto"}},   // … no Neptune, Aurora DSQL and DynamoDB Streams
	{"site", []string{"moto"}},   // … no CloudFront, Certificate Manager and Route 53
}

// trial is a run that is disturbed.
type trial struct {
	name   string
	before string // the script that is deployed first, undisturbed; "" for none
	script string
	mode   deploy.Mode
}

// trials are the runs with a system.
func (s system) trials() []trial {
	first, changed := s.name+".dply", s.name+"-changed.dply"
	return []trial{
		{s.name + " first deploy", "", first, deploy.Deploy},
		{s.name + " change", first, changed, deploy.Deploy},
		{s.name + " destroy", changed, changed, deploy.Teardown},
	}
}

// tally counts the cases of a trial on one cloud.
type tally struct {
	cloud, trial            string
	calls                   int
	tried, survived, missed int
}

var tallies struct {
	mu   sync.Mutex
	list []tally
}

func TestEveryCallMayFail(t *testing.T) {
	r := newRig(t)
	for _, system := range systems {
		for _, on := range system.clouds {
			for _, c := range system.trials() {
				t.Run(c.name+" on "+on, func(t *testing.T) {
					if on != "cloud" {
						outside.Need(t, "moto_server")
					}
					r.disturb(t, on, c)
				})
			}
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(string(table())), "\n") {
		t.Log(line)
	}
	if *which != "" && !slices.ContainsFunc(tallies.list, func(c tally) bool { return c.tried+c.missed > 0 }) {
		t.Errorf("no call begins with %q", *which)
	}
	if *report != "" && !t.Failed() {
		if err := os.WriteFile(*report, table(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// disturb tries the faults at the calls of one trial.
func (r *rig) disturb(t *testing.T, on string, c trial) {
	calls, want := r.undisturbed(t, on, c)
	count := tally{cloud: on, trial: c.name, calls: len(calls)}
	var mu sync.Mutex
	var group sync.WaitGroup
	free := make(chan struct{}, slots)
	for i, at := range calls {
		for j, f := range faults {
			if *which != "" && !strings.HasPrefix(at.String(), *which) || *which == "" && (i*len(faults)+j)%*every != 0 {
				continue
			}
			group.Go(func() {
				free <- struct{}{}
				defer func() { <-free }()
				err := r.survive(t, on, c, at, f, want)
				mu.Lock()
				defer mu.Unlock()
				count.tried++
				switch {
				case errors.Is(err, errNotMade):
					count.tried--
					count.missed++
				case err != nil:
					t.Errorf("%s at %s: %v", f, at, err)
				default:
					count.survived++
				}
			})
		}
	}
	group.Wait()
	if count.missed > count.tried/5+1 {
		t.Errorf("%d calls were not made when they were to fail, %d were: too many to say anything", count.missed, count.tried)
	}
	tallies.mu.Lock()
	defer tallies.mu.Unlock()
	tallies.list = append(tallies.list, count)
}

// table is what was tried, as Markdown.
func table() []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	fmt.Fprintf(w, "| cloud\t| run\t| calls\t| faults tried\t| survived\t| call not made\t|\n| ---\t| ---\t| ---\t| ---\t| ---\t| ---\t|\n")
	sum := tally{cloud: "all", trial: ""}
	tallies.mu.Lock()
	defer tallies.mu.Unlock()
	for _, c := range tallies.list {
		fmt.Fprintf(w, "| %s\t| %s\t| %d\t| %d\t| %d\t| %d\t|\n", strings.TrimPrefix(c.cloud, "whole "), c.trial, c.calls, c.tried, c.survived, c.missed)
		sum.calls, sum.tried, sum.survived, sum.missed = sum.calls+c.calls, sum.tried+c.tried, sum.survived+c.survived, sum.missed+c.missed
	}
	fmt.Fprintf(w, "| all\t| \t| %d\t| %d\t| %d\t| %d\t|\n", sum.calls, sum.tried, sum.survived, sum.missed)
	w.Flush()
	return b.Bytes()
}

// errNotMade says that a run did not make the call at which the fault was to be: one look more or less at something that
// takes its time.
var errNotMade = errors.New("the call was not made")

// undisturbed makes the run of a trial twice and returns the calls of the first time and what the cloud holds then.
func (r *rig) undisturbed(t *testing.T, on string, c trial) ([]call, []string) {
	t.Helper()
	s := r.open(t, on)
	defer s.close()
	if err := s.prepare(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.run(t.Context(), c.script, c.mode); err != nil {
		t.Fatal(err)
	}
	calls := s.wire.calls()
	want, err := s.inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if again, _, err := s.run(t.Context(), c.script, c.mode); err != nil || again.Changes() > 0 {
		t.Fatalf("an undisturbed run is not settled: %+v, %v", again, err)
	}
	return calls, want
}

// prepare brings a cloud to where the trial begins.
func (s *station) prepare(ctx context.Context, c trial) error {
	if c.before != "" {
		if _, _, err := s.run(ctx, c.before, deploy.Deploy); err != nil {
			return fmt.Errorf("before: %w", err)
		}
	}
	s.wire.plan(call{}, "", nil)
	return nil
}

// survive tries one fault at one call on a cloud of its own.
func (r *rig) survive(t *testing.T, on string, c trial, at call, f fault, want []string) error {
	s := r.open(t, on)
	defer s.close()
	ctx := t.Context()
	if err := s.prepare(ctx, c); err != nil {
		return err
	}
	if err := s.suffer(ctx, c, at, f); err != nil {
		return err
	}
	s.wire.plan(call{}, "", nil)
	if _, _, err := s.run(ctx, c.script, c.mode); err != nil {
		return fmt.Errorf("the next run: %w", err)
	}
	got, err := s.inventory(ctx)
	if err != nil {
		return err
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("the cloud holds\n  %s\nbut not\n  %s", strings.Join(beside(got, want), "\n  "), strings.Join(beside(want, got), "\n  "))
	}
	if third, _, err := s.run(ctx, c.script, c.mode); err != nil || third.Changes() > 0 {
		return fmt.Errorf("not settled after the next run: %+v, %v", third, err)
	}
	return nil
}

// beside are the lines of a that b has not, or not as often.
func beside(a, b []string) []string {
	b = slices.Clone(b)
	return slices.DeleteFunc(slices.Clone(a), func(line string) bool {
		i := slices.Index(b, line)
		if i >= 0 {
			b = slices.Delete(b, i, i+1)
		}
		return i >= 0
	})
}

// suffer makes the run in which the fault happens.
func (s *station) suffer(ctx context.Context, c trial, at call, f fault) error {
	if f == killedBefore || f == killedAfter || f == interrupted {
		return s.kill(ctx, c, at, f)
	}
	s.wire.plan(at, f, nil)
	_, waited, err := s.run(ctx, c.script, c.mode)
	switch {
	case !s.wire.happened():
		return errNotMade
	case err != nil: // only death is more than a run can bear
		return fmt.Errorf("the run gave up: %w", err)
	case len(waited) == 0:
		return errors.New("the progress does not say that it waits")
	}
	return nil
}

// testdata is a path below the folder of that name.
func testdata(name string) string {
	dir, err := filepath.Abs("testdata")
	if err != nil {
		panic(err)
	}
	return filepath.Join(dir, name)
}
