package check

import (
	"fmt"
	"maps"
	"slices"

	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// routeSettings checks that what the stages of an API say of single routes is of routes in its block, once of each.
func (c *checker) routeSettings(s *Statement) {
	routes := map[string]bool{}
	for _, part := range s.Parts {
		if part.Kind == "route" {
			routes[part.Name] = true
		}
	}
	for _, part := range s.Parts {
		list, _ := part.Prop("RouteSettings").(List)
		first := map[string]token.Position{}
		for _, item := range list.Items {
			entry, _ := item.(Map)
			key, ok := find(entry.Entries, "Route").(String)
			if !ok {
				continue
			}
			if at, twice := first[key.Text]; twice {
				c.twice(syntax.Ident{Pos: key.Pos, Name: key.Text}, "E37", at)
				continue
			}
			first[key.Text] = key.Pos
			if !routes[key.Text] {
				near := ""
				if c.guesses < maxGuesses {
					near = c.didYouMean(key.Text, slices.Sorted(maps.Keys(routes)))
				}
				c.report(key.Pos, "E49", fmt.Sprintf("no route %q in this API", key.Text), near+fmt.Sprintf("Declare it in the same block: route %q", key.Text))
			}
		}
	}
}
