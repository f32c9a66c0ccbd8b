package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"quotewire/dply/check"
	"quotewire/dply/schema"
	"quotewire/dply/token"
)

// toyCloud is a cloud of things with one property each. It records the calls that write.
type toyCloud struct {
	mu     sync.Mutex        // guards things and calls
	things map[string]string // name to value
	calls  []string
	fail   map[string]error  // by call
	during map[string]func() // run within a call
}

func newToyCloud() *toyCloud {
	return &toyCloud{things: map[string]string{}, fail: map[string]error{}, during: map[string]func(){}}
}

func (c *toyCloud) call(name string) error {
	if f := c.during[name]; f != nil {
		f()
	}
	if err := c.fail[name]; err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, name)
	return nil
}

func (c *toyCloud) Open(context.Context) error { return nil }

var errLost = errors.New("the answer was lost")

func (c *toyCloud) Unsure(err error) string {
	if errors.Is(err, errLost) {
		return "to see whether it was done"
	}
	return ""
}

func (c *toyCloud) Explain(err error) (string, string) {
	return "the toy cloud says " + err.Error(), "Ask it nicely."
}

// Expand understands ensure and find of a thing, with a Value and a list After of the things that it waits for.
func (c *toyCloud) Expand(g *Graph, s *check.Statement) error {
	key := Key{"thing", s.Name}
	if s.Verb == "find" {
		n := g.Lookup(key)
		if n == nil {
			n = g.Add(s, key, &thing{cloud: c, graph: g, s: s})
		}
		g.Bind(s, n)
		return nil
	}
	n, err := g.Again(s, key)
	if err != nil {
		return err
	}
	if n == nil {
		n = g.Add(s, key, &thing{cloud: c, graph: g, s: s})
		g.Uses(n, s.Prop("Value"))
		g.RestsOn(n, s.Prop("In"))
		names, _ := g.Strings(s.Prop("After"))
		for _, name := range names {
			if name, hard := strings.CutPrefix(name, "!"); hard {
				n.needs = append(n.needs, need{key: Key{"thing", name}})
			} else {
				n.Mentions(Key{"thing", name})
			}
		}
	}
	g.Bind(s, n)
	return nil
}

type thing struct {
	cloud  *toyCloud
	graph  *Graph
	s      *check.Statement
	value  string
	exists bool
}

func (t *thing) String() string { return "thing " + t.s.Name }
func (t *thing) Exists() bool   { return t.exists }

func (t *thing) Read(context.Context) error {
	t.cloud.mu.Lock()
	defer t.cloud.mu.Unlock()
	t.value, t.exists = t.cloud.things[t.s.Name]
	return t.cloud.fail["read "+t.s.Name]
}

func (t *thing) Plan() (Step, error) {
	want, known := t.graph.String(t.s.Prop("Value"))
	switch {
	case want == "impossible":
		return Step{}, token.Diagnostic{Pos: t.s.Pos, Code: "E47", Message: "no such value"}
	case !t.exists:
		return Step{Action: Create}, nil
	case !known || want != t.value:
		return Step{Action: Update, Changes: []Change{{Property: "Value", Old: t.value, New: want}}}, nil
	}
	return Step{}, nil
}

func (t *thing) Apply(ctx context.Context) error {
	want, _ := t.graph.String(t.s.Prop("Value"))
	if err := t.cloud.call("apply " + t.s.Name); err != nil {
		return err
	}
	t.cloud.mu.Lock()
	defer t.cloud.mu.Unlock()
	t.cloud.things[t.s.Name], t.value, t.exists = want, want, true
	return Stopping(ctx)
}

func (t *thing) Delete(context.Context) error {
	if err := t.cloud.call("delete " + t.s.Name); err != nil {
		return err
	}
	t.cloud.mu.Lock()
	defer t.cloud.mu.Unlock()
	delete(t.cloud.things, t.s.Name)
	return nil
}

func (t *thing) Member(name string) (any, bool) { return "value of " + t.s.Name, t.exists }

func (t *thing) Outputs() []Output { return []Output{{"thing", t.s.Name, "value", t.value}} }

// Statements of a toy script. Each stands on a line of its own.
var thingType = &schema.Type{Name: "toy.Thing", Ensure: true, Find: true}

type line func(*check.Statement)

func ensure(name string, value check.Value, more ...line) *check.Statement {
	s := &check.Statement{Verb: "ensure", Type: thingType, Name: name, Teardown: check.Delete}
	if value != nil {
		s.Props = []check.Prop{{Name: "Value", Value: value}}
	}
	for _, f := range more {
		f(s)
	}
	return s
}

func find(name string) *check.Statement {
	return &check.Statement{Verb: "find", Type: thingType, Name: name}
}

func after(names ...string) line {
	return func(s *check.Statement) {
		var list check.List
		for _, name := range names {
			list.Items = append(list.Items, text(name))
		}
		s.Props = append(s.Props, check.Prop{Name: "After", Value: list})
	}
}

func preserve(s *check.Statement) { s.Teardown = check.Preserve }
func marked(s *check.Statement)   { s.Destroy = true }

func text(s string) check.Value { return check.String{Text: s} }

func member(s *check.Statement) check.Value {
	return check.Reference{Statement: s, Member: "value"}
}

// script puts statements into one target, a line each.
func script(statements ...*check.Statement) *check.Program { return program("main", statements...) }

func program(name string, statements ...*check.Statement) *check.Program {
	for i, s := range statements {
		s.Pos = token.Position{File: name + ".dply", Line: i + 1, Column: 5}
	}
	return &check.Program{Targets: []*check.Target{{Name: name, Statements: statements}}}
}

// log is a view that keeps events.
type log []Event

func (l *log) Event(e Event) { *l = append(*l, e) }

func (l *log) of(k Kind) []string {
	var list []string
	for _, e := range *l {
		if e.Kind == k {
			list = append(list, strings.TrimSpace(e.Resource+" "+e.Text))
		}
	}
	return list
}

func execute(t *testing.T, cloud *toyCloud, p *check.Program, mode Mode, targets ...string) (*Result, *log, error) {
	t.Helper()
	cloud.calls = nil
	view := &log{}
	result, err := Run(t.Context(), p, Options{Provider: cloud, Mode: mode, View: view, Targets: targets, Parallel: 1})
	return result, view, err
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// code returns the code of the only diagnostic in err.
func code(t *testing.T, err error) token.Diagnostic {
	t.Helper()
	list, ok := err.(token.List)
	if !ok || len(list) != 1 {
		t.Fatalf("got error %v (%T); want one diagnostic", err, err)
	}
	return list[0]
}

func TestApplyFollowsReferencesAndNames(t *testing.T) {
	t.Parallel()
	cloud := newToyCloud()
	a := ensure("a", text("1"), after("!c")) // a hard need, of something below
	b := ensure("b", member(a))
	c := ensure("c", text("3"))
	d := ensure("d", text("4"), after("e")) // a name of something below: e comes later, as it stands in the script
	e := ensure("e", text("5"))
	if _, _, err := execute(t, cloud, script(a, b, c, d, e), Deploy); err != nil {
		t.Fatal(err)
	}
	equal(t, "calls", cloud.calls, []string{"apply c", "apply a", "apply b", "apply d", "apply e"})
	if got := cloud.things["b"]; got != "value of a" {
		t.Errorf("b has %q; want the member of a, known after it was made", got)
	}
}

func TestSecondRunWritesNothing(t *testing.T) {
	t.Parallel()
	cloud := newToyCloud()
	a := ensure("a", text("1"))
	p := script(a, ensure("b", member(a)), &check.Statement{Verb: "show", Args: []check.Value{text("b is"), member(a)}})
	first, _, err := execute(t, cloud, p, Deploy)
	if err != nil || first.Created != 2 {
		t.Fatalf("first run: %+v, %v", first, err)
	}
	second, view, err := execute(t, cloud, p, Deploy)
	if err != nil {
		t.Fatal(err)
	}
	if len(cloud.calls) > 0 || second.Changes() != 0 || second.Unchanged != 2 {
		t.Errorf("second run: calls %q, %+v", cloud.calls, second)
	}
	equal(t, "printed", view.of(Printed), []string{"show b is value of a"})
	if got := second.Output("thing", "a", "value"); got != "1" {
		t.Errorf("output of a is %q", got)
	}
}

func TestChangeIsAnUpdateWithItsReason(t *testing.T) {
	t.Parallel()
	cloud := newToyCloud()
	cloud.things["a"] = "old"
	result, view, err := execute(t, cloud, script(ensure("a", text("new"))), Deploy)
	if err != nil || result.Updated != 1 {
		t.Fatalf("%+v, %v", result, err)
	}
	for _, e := range *view {
		if e.Kind == Done && fmt.Sprint(e.Changes) != "[Value old → new]" {
			t.Errorf("changes: %v", e.Changes)
		}
	}
}

func TestCycleNamesItsMembers(t *testing.T) {
	t.Parallel()
	_, _, err := execute(t, newToyCloud(), script(ensure("a", nil, after("!b")), ensure("b", nil, after("!a"))), Deploy)
	if want := "resources wait for each other: thing a → thing b → thing a"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestChangeOfWhichNobodyKnowsIsLookedForAndNotMadeTwice(t *testing.T) {
	t.Parallel()
	for name, made := range map[string]bool{"made": true, "not made": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := newToyCloud()
			cloud.fail["apply a"] = errLost
			cloud.during["apply a"] = func() {
				if made {
					cloud.mu.Lock()
					defer cloud.mu.Unlock()
					cloud.things["a"] = "x"
				}
				cloud.during["apply a"] = func() { delete(cloud.fail, "apply a") }
			}
			result, view, err := execute(t, cloud, script(ensure("a", text("x")), ensure("b", nil)), Deploy)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "done", result.Done, []string{"create thing a", "create thing b"})
			equal(t, "waited", view.of(Waiting), []string{"thing a to see whether it was done"})
			calls := []string{"apply b"} // that the cloud answered
			if !made {
				calls = []string{"apply a", "apply b"}
			}
			equal(t, "calls", cloud.calls, calls)
		})
	}
}

func TestDeletionOfWhichNobodyKnowsIsLookedForAndNotGivenUp(t *testing.T) {
	t.Parallel()
	for name, made := range map[string]bool{"made": true, "not made": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := newToyCloud()
			cloud.things["a"], cloud.things["b"] = "", ""
			cloud.fail["delete b"] = errLost
			cloud.during["delete b"] = func() {
				if made {
					cloud.mu.Lock()
					defer cloud.mu.Unlock()
					delete(cloud.things, "b")
				}
				cloud.during["delete b"] = func() { delete(cloud.fail, "delete b") }
			}
			result, view, err := execute(t, cloud, script(ensure("a", nil), ensure("b", nil)), Teardown)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "done", result.Done, []string{"delete thing b", "delete thing a"})
			equal(t, "waited", view.of(Waiting), []string{"thing b to see whether it was done"})
			calls := []string{"delete a"} // that the cloud answered
			if !made {
				calls = []string{"delete b", "delete a"}
			}
			equal(t, "calls", cloud.calls, calls)
		})
	}
}

func TestFailureStopsAndSaysWhatIsDoneAndWhatNot(t *testing.T) {
	t.Parallel()
	cloud := newToyCloud()
	cloud.fail["apply b"] = errors.New("no room")
	p := script(ensure("a", nil), ensure("b", nil), ensure("c", nil), ensure("d", nil))
	result, view, err := execute(t, cloud, p, Deploy)
	d := code(t, err)
	if d.Code != "E63" || d.Pos.Line != 2 || d.Message != "cannot create thing b: the toy cloud says no room" || d.Hint != "Ask it nicely." {
		t.Errorf("diagnostic %+v", d)
	}
	equal(t, "done", result.Done, []string{"create thing a"})
	equal(t, "not done", result.NotDone, []string{"thing b", "thing c", "thing d"})
	equal(t, "skipped", view.of(Skipped), []string{"thing c not done", "thing d not done"})

	delete(cloud.fail, "apply b")
	if _, _, err := execute(t, cloud, p, Deploy); err != nil {
		t.Fatal(err)
	}
	equal(t, "calls of the next run", cloud.calls, []string{"apply b", "apply c", "apply d"})
}

func TestWhatDoesNotWaitForEachOtherChangesAtTheSameTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // which finds out if nothing goes on
		cloud := newToyCloud()
		a, b := make(chan bool), make(chan bool)
		cloud.during["apply a"] = func() { close(a); <-b }
		cloud.during["apply b"] = func() { close(b); <-a }
		first := ensure("a", text("1"))
		p := script(first, ensure("b", nil), ensure("c", member(first)))
		result, err := Run(t.Context(), p, Options{Provider: cloud})
		if err != nil || result.Created != 3 {
			t.Fatalf("%+v, %v", result, err)
		}
		if slices.Index(cloud.calls, "apply c") < slices.Index(cloud.calls, "apply a") {
			t.Errorf("calls %q: c waits for a", cloud.calls)
		}
	})
}

func TestEveryFailureAtTheSameTimeIsReported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cloud := newToyCloud()
		a, b := make(chan bool), make(chan bool)
		cloud.during["apply a"] = func() { close(a); <-b }
		cloud.during["apply b"] = func() { close(b); <-a }
		cloud.fail["apply a"], cloud.fail["apply b"] = errors.New("no room"), errors.New("no time")
		first := ensure("a", nil)
		result, err := Run(t.Context(), script(first, ensure("b", nil), ensure("c", member(first))), Options{Provider: cloud})
		list, ok := err.(token.List)
		if !ok || len(list) != 2 || !strings.Contains(list[0].Message, "no room") || !strings.Contains(list[1].Message, "no time") {
			t.Errorf("got %v", err)
		}
		equal(t, "not done", result.NotDone, []string{"thing a", "thing b", "thing c"})
	})
}

func TestNothingIsWrittenIfAnythingStandsInTheWay(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		statement *check.Statement
		fail      string
		code      string
	}{
		"find of nothing":       {find("nothing"), "", "E57"},
		"value out of question": {ensure("b", text("impossible")), "", "E47"},
		"refused read":          {ensure("b", nil), "read b", "E63"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := newToyCloud()
			if tc.fail != "" {
				cloud.fail[tc.fail] = errors.New("no")
			}
			_, _, err := execute(t, cloud, script(ensure("a", nil), tc.statement), Deploy)
			if d := code(t, err); d.Code != tc.code || d.Pos.Line != 2 {
				t.Errorf("diagnostic %+v; want %s at line 2", d, tc.code)
			}
			equal(t, "calls", cloud.calls, nil)
		})
	}
}

func TestFindOfWhatAStatementAboveMakesIsDeferred(t *testing.T) {
	t.Parallel()
	cloud := newToyCloud()
	f := find("a")
	if _, _, err := execute(t, cloud, script(ensure("a", nil), f, ensure("b", member(f))), Deploy); err != nil {
		t.Fatal(err)
	}
	if got := cloud.things["b"]; got != "value of a" {
		t.Errorf("b has %q", got)
	}
	f = find("z")
	_, _, err := execute(t, cloud, script(f, ensure("z", nil)), Deploy)
	if d := code(t, err); d.Code != "E57" || !strings.Contains(d.Message, `no toy.Thing named "z"`) {
		t.Errorf("find of what is made below: %v", err)
	}
}

func TestSameThingInTwoTargetsIsMadeOnce(t *testing.T) {
	t.Parallel()
	cloud := newToyCloud()
	p := program("one", ensure("a", text("1")))
	p.Targets = append(p.Targets, program("two", ensure("a", text("1"), preserve), ensure("b", nil)).Targets...)
	if _, _, err := execute(t, cloud, p, Deploy); err != nil {
		t.Fatal(err)
	}
	equal(t, "calls", cloud.calls, []string{"apply a", "apply b"})
	if _, _, err := execute(t, cloud, p, Teardown); err != nil {
		t.Fatal(err)
	}
	equal(t, "calls of a teardown: one of two statements preserves", cloud.calls, []string{"delete b"})

	p = program("one", ensure("a", text("1")))
	p.Targets = append(p.Targets, program("two", ensure("a", text("2"))).Targets...)
	_, _, err := execute(t, cloud, p, Deploy)
	if d := code(t, err); d.Code != "E37" || d.Pos.File != "two.dply" || !strings.Contains(d.Hint, "one.dply:1:5") {
		t.Errorf("diagnostic %+v", d)
	}
}

func TestTargetsAreChosenByName(t *testing.T) {
	t.Parallel()
	p := program("prices", ensure("a", nil))
	p.Targets = append(p.Targets, program("pages", ensure("b", nil)).Targets...)
	cloud := newToyCloud()
	if _, _, err := execute(t, cloud, p, Deploy, "pages", "pages"); err != nil {
		t.Fatal(err)
	}
	equal(t, "calls", cloud.calls, []string{"apply b"})
	_, _, err := execute(t, cloud, p, Deploy, "pirces")
	if d := code(t, err); d.Code != "E58" || !strings.Contains(d.Hint, "Did you mean prices?") {
		t.Errorf("diagnostic %+v", d)
	}
}

func TestTeardownGoesBackwardsAndHonoursPreserve(t *testing.T) {
	t.Parallel()
	cloud := newToyCloud()
	a := ensure("a", nil)
	p := script(a, ensure("b", member(a)), ensure("keep", nil, preserve), ensure("gone", nil), find("nothing"))
	cloud.things["a"], cloud.things["b"], cloud.things["keep"] = "", "", ""
	result, view, err := execute(t, cloud, p, Teardown)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "calls", cloud.calls, []string{"delete b", "delete a"})
	equal(t, "skipped", view.of(Skipped), []string{"thing gone not there", "thing keep preserved"})
	if result.Deleted != 2 || result.Kept != 1 {
		t.Errorf("result %+v", result)
	}
}

func TestWhatHoldsSomethingThatStaysIsKept(t *testing.T) {
	t.Parallel()
	in := func(holder *check.Statement) check.Prop {
		return check.Prop{Name: "In", Value: check.Reference{Statement: holder}}
	}
	for _, c := range []struct {
		name  string
		inner func(*check.Statement)
		left  bool // inner is there
		fail  error
		mode  Mode
		calls []string
		kept  []string
	}{
		{name: "preserved", inner: preserve, left: true, calls: []string{"delete beside"},
			kept: []string{"thing inner preserved", "thing middle thing inner, which is preserved, needs it", "thing outer thing inner, which is preserved, needs it"}},
		{name: "preserved and not there", inner: preserve, calls: []string{"delete beside", "delete middle", "delete outer"}, kept: []string{"thing inner not there"}},
		{name: "not marked", left: true, mode: DestroyMarked, calls: []string{"delete beside"},
			kept: []string{"thing middle thing inner, which is not marked @destroy, needs it", "thing outer thing inner, which is not marked @destroy, needs it"}},
		{name: "left when it was to go", left: true, fail: Kept("in use"), calls: []string{"delete beside"},
			kept: []string{"thing inner in use", "thing middle thing inner, which is kept, needs it", "thing outer thing middle, which is kept, needs it"}},
	} {
		outer := ensure("outer", nil, marked)
		middle := ensure("middle", nil, marked)
		middle.Props = append(middle.Props, in(outer))
		inner := ensure("inner", nil)
		inner.Props = append(inner.Props, in(middle))
		if c.inner != nil {
			c.inner(inner)
		}
		beside := ensure("beside", nil, marked) // waits for the inner one, and does not need it
		beside.Props = append(beside.Props, check.Prop{Name: "Value", Value: member(inner)})
		cloud := newToyCloud()
		cloud.things["outer"], cloud.things["middle"], cloud.things["beside"] = "", "", ""
		if c.left {
			cloud.things["inner"] = ""
		}
		if c.fail != nil {
			cloud.fail["delete inner"] = c.fail
		}
		if c.mode != DestroyMarked {
			c.mode = Teardown
		}
		_, view, err := execute(t, cloud, script(outer, middle, inner, beside), c.mode)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, c.name+": calls", cloud.calls, c.calls)
		equal(t, c.name+": skipped", view.of(Skipped), c.kept)
	}
}

func TestMarkedRunRemovesOnlyWhatIsMarked(t *testing.T) {
	t.Parallel()
	p := script(ensure("a", nil), ensure("b", nil, marked), ensure("c", nil, marked, preserve))
	cloud := newToyCloud()
	cloud.things["a"], cloud.things["b"], cloud.things["c"] = "", "", ""
	_, _, err := execute(t, cloud, p, Deploy)
	if list := err.(token.List); len(list) != 2 || list[0].Code != "E60" || list[0].Pos.Line != 2 {
		t.Errorf("ordinary run: %v", err)
	}
	if _, _, err := execute(t, cloud, p, DestroyMarked); err != nil {
		t.Fatal(err)
	}
	equal(t, "calls", cloud.calls, []string{"delete b"})
	if _, err := Run(t.Context(), p, Options{Provider: cloud, Mode: DestroyMarked, Force: true}); err != nil {
		t.Fatal(err)
	}
	equal(t, "things left after a forced run", slices.Collect(func(yield func(string) bool) {
		for name := range cloud.things {
			yield(name)
		}
	}), []string{"a"})
	_, _, err = execute(t, cloud, script(ensure("a", nil)), DestroyMarked)
	if d := code(t, err); d.Code != "E60" {
		t.Errorf("no mark: %+v", d)
	}
}

func TestCancelFinishesTheCallInFlightAndStartsNothingMore(t *testing.T) {
	t.Parallel()
	cloud := newToyCloud()
	ctx, cancel := context.WithCancel(t.Context())
	cloud.during["apply b"] = cancel
	result, err := Run(ctx, script(ensure("a", nil), ensure("b", nil), ensure("c", nil)), Options{Provider: cloud, Parallel: 1})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	equal(t, "calls", cloud.calls, []string{"apply a", "apply b"})
	equal(t, "not done", result.NotDone, []string{"thing b", "thing c"})
}

func TestWaitsAreBoundedAndSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var said []string
		ctx, release := applying(t.Context(), func(text string, elapsed time.Duration) {
			said = append(said, fmt.Sprintf("%s %.0f", text, elapsed.Seconds()))
		})
		defer release()
		start := time.Now()
		err := Await(ctx, "for rain", time.Minute, func(context.Context) (bool, error) { return false, nil })
		if err == nil || err.Error() != "waited 1m0s for rain in vain" || time.Since(start) != time.Minute {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if len(said) < 3 || said[0] != "for rain 0" {
			t.Errorf("said %q", said)
		}
	})
}

func TestCancelEndsAWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		run, cancel := context.WithCancel(t.Context())
		ctx, release := applying(run, func(string, time.Duration) {})
		defer release()
		time.AfterFunc(10*time.Second, cancel)
		start := time.Now()
		err := Await(ctx, "for rain", time.Hour, func(context.Context) (bool, error) { return false, nil })
		if !errors.Is(err, context.Canceled) || time.Since(start) != 10*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if ctx.Err() != nil {
			t.Error("the context of calls ended with the run; a call in flight would have been cut")
		}
		time.Sleep(grace)
		synctest.Wait()
		if ctx.Err() == nil {
			t.Error("a call that hangs is never cut")
		}
	})
}

func TestRetryEndsWithTheLastErrorOrTheFirstThatDoesNotPass(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		busy, broken := errors.New("busy"), errors.New("broken")
		passing := func(err error) string {
			if err == busy {
				return "until it is free"
			}
			return ""
		}
		for _, tc := range []struct {
			answers []error
			want    error
			tries   int
		}{
			{[]error{nil}, nil, 1},
			{[]error{busy, busy, nil}, nil, 3},
			{[]error{busy, broken}, broken, 2},
		} {
			tries := 0
			err := Retry(t.Context(), time.Minute, passing, func(context.Context) error { tries++; return tc.answers[tries-1] })
			if err != tc.want || tries != tc.tries {
				t.Errorf("%v: got %v after %d tries; want %v after %d", tc.answers, err, tries, tc.want, tc.tries)
			}
		}
		if err := Retry(t.Context(), time.Minute, passing, func(context.Context) error { return busy }); err != busy {
			t.Errorf("after the bound: %v", err)
		}
	})
}
