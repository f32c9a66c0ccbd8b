package aws

import (
	"encoding/json"
	"slices"
	"strings"

	"quotewire/deploy"
)

// permissions is what changes between two policy documents, for people: each pair of an action and a resource that is no
// longer allowed or denied, and each that is from now on, as the statement that a script would say it with. A document
// that cannot be read, or is not known yet, has none.
func permissions(property, old, new string) deploy.Change {
	before, after := statementsOf(old), statementsOf(new)
	c := deploy.Change{Property: property}
	for _, s := range before {
		if !slices.Contains(after, s) {
			c.Removed = append(c.Removed, s)
		}
	}
	for _, s := range after {
		if !slices.Contains(before, s) {
			c.Added = append(c.Added, s)
		}
	}
	return c
}

// statementsOf takes a document apart into statements of one action and one resource each, sorted.
func statementsOf(text string) []string {
	doc, ok := meaning(text)
	if !ok {
		return nil
	}
	var all []string
	for _, s := range doc.(map[string]any)["Statement"].([]any) {
		m, ok := s.(map[string]any)
		if !ok {
			continue
		}
		effect, _ := m["Effect"].(string)
		suffix := ""
		for _, member := range []string{"Principal", "NotPrincipal", "Condition"} {
			if v, ok := m[member]; ok {
				inner, err := json.Marshal(v)
				if err != nil {
					continue
				}
				suffix += " " + strings.ToLower(member) + " " + string(inner)
			}
		}
		for _, action := range either(m, "Action", "NotAction") {
			for _, resource := range either(m, "Resource", "NotResource") {
				all = append(all, strings.ToLower(effect)+action+resource+suffix)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// either lists the values of the one member or of its negation, quoted and with a space before; one empty text if there
// is neither.
func either(m map[string]any, member, negation string) []string {
	word := " "
	v, ok := m[member]
	if !ok {
		if v, ok = m[negation]; !ok {
			return []string{""}
		}
		word = " not "
	}
	var all []string
	switch v := v.(type) {
	case string:
		all = append(all, word+`"`+v+`"`)
	case []any:
		for _, x := range v {
			if text, ok := x.(string); ok {
				all = append(all, word+`"`+text+`"`)
			}
		}
	}
	return all
}
