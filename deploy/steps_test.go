package deploy

import (
	"fmt"
	"testing"

	"quotewire/dply/check"
)

// steps plans a run and puts each of its steps into a line.
func steps(t *testing.T, cloud *toyCloud, p *check.Program, mode Mode) ([]Planned, []string) {
	t.Helper()
	plan, err := Prepare(t.Context(), p, Options{Provider: cloud, Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	all := plan.Steps()
	var lines []string
	for _, s := range all {
		lines = append(lines, fmt.Sprintf("%s %s %v%s", s.Action, s.Resource, s.Changes, s.Why))
	}
	return all, lines
}

func TestStepsAreWhatApplyDoes(t *testing.T) {
	t.Parallel()
	cloud := newToyCloud()
	cloud.things["b"], cloud.things["c"], cloud.things["found"] = "old", "same", ""
	p := script(find("found"), ensure("c", text("same")), ensure("b", text("new")), ensure("a", nil),
		&check.Statement{Verb: "show", Args: []check.Value{text("x")}})
	all, lines := steps(t, cloud, p, Deploy)
	equal(t, "steps", lines, []string{"leave thing found []found", "leave thing c []", "update thing b [Value old → new]", "create thing a []"})
	if all[2].Position != "main.dply:3:5" || all[2].Type != "thing" || all[2].Name != "b" {
		t.Errorf("step of b: %+v", all[2])
	}
	if len(cloud.calls) > 0 {
		t.Errorf("the plan wrote: %q", cloud.calls)
	}
}

func TestStepsOfATeardownSayWhatStaysAndWhy(t *testing.T) {
	t.Parallel()
	cloud := newToyCloud()
	cloud.things["a"], cloud.things["b"], cloud.things["keep"] = "", "", ""
	a := ensure("a", nil)
	p := script(a, ensure("b", member(a)), ensure("keep", nil, preserve), ensure("gone", nil))
	_, lines := steps(t, cloud, p, Teardown)
	equal(t, "steps", lines, []string{"leave thing gone []not there", "leave thing keep []preserved", "delete thing b []", "delete thing a []"})
}

func TestMovedNamesWhatIsDifferentNow(t *testing.T) {
	t.Parallel()
	cloud := newToyCloud()
	cloud.things["b"], cloud.things["c"] = "old", "same"
	p := script(ensure("a", text("1")), ensure("b", text("new")), ensure("c", text("same")))
	before, _ := steps(t, cloud, p, Deploy)
	again, _ := steps(t, cloud, p, Deploy)
	equal(t, "moved without a cause", Moved(before, again), nil)

	cloud.things["a"], cloud.things["b"], cloud.things["c"] = "1", "other", "changed"
	after, _ := steps(t, cloud, p, Deploy)
	equal(t, "moved", Moved(before, after), []string{
		"thing a: the plan was to create it, now it would be to leave it",
		"thing b differs in other ways than planned",
		"thing c: the plan was to leave it, now it would be to update it",
	})
	equal(t, "of fewer", Moved(before, after[:1]), []string{
		"thing a: the plan was to create it, now it would be to leave it",
		"thing b is no longer in the plan", "thing c is no longer in the plan",
	})
}
