package check_test

import (
	"strings"
	"testing"

	"quotewire/dply"
	"quotewire/dply/schema"
)

// No script of the command's tests can show this: it needs a type with a scaling range.
func TestScalingRangeHasTwoEnds(t *testing.T) {
	number := []schema.Kind{schema.Number}
	catalog := &schema.Catalog{Types: []*schema.Type{{Name: "toy.Cluster", Ensure: true, Properties: []schema.Property{
		{Name: "MinCapacity", Kinds: number}, {Name: "MaxCapacity", Kinds: number}}}}}
	for lines, want := range map[string]string{
		"": "", "            MinCapacity <- 1\n            MaxCapacity <- 2\n": "",
		"            MinCapacity <- 1\n": "E50", "            MaxCapacity <- 1\n": "E50",
	} {
		script := "    target t\n        ensure toy.Cluster \"c\"\n            @teardown delete\n" + lines
		_, list := dply.Check(catalog, []dply.Source{{Name: "a.dply", Text: []byte(script)}})
		if got := list.Error(); want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", lines, got, want)
		}
	}
}
