package deploy

import (
	"slices"
	"testing"
)

func TestOutlineLeavesOutWhatIsImplied(t *testing.T) {
	t.Parallel()
	a := ensure("a", text("1"))
	b := ensure("b", member(a))
	p := script(a, b, ensure("c", member(b), after("a")), find("d"))
	all, err := Outline(p, Options{Provider: newToyCloud()})
	if err != nil || len(all) != 4 {
		t.Fatal(all, err)
	}
	for i, want := range [][]int{nil, {0}, {1}, nil} {
		if !slices.Equal(all[i].After, want) {
			t.Errorf("%s waits for %v, want %v", all[i].Resource, all[i].After, want)
		}
	}
	if !all[3].Found || all[3].Pos.Line != 4 || all[0].Key != (Key{"thing", "a"}) {
		t.Errorf("%+v", all)
	}
}
