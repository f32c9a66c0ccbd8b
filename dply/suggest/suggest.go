// Package suggest finds what somebody who wrote an unknown name may have meant.
package suggest

import (
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

const (
	most    = 3  // names that are offered at once
	longest = 80 // bytes of a name that is worth comparing
)

// Nearest returns the names most like word, the best first, at most three and often none. Letters of another case, a
// slip or two in a longer word, and the last part of a dotted name (Bucket for aws.S3.Bucket) are recognised.
func Nearest(word string, names []string) []string {
	if word == "" || len(word) > longest {
		return nil
	}
	type candidate struct {
		name string
		cost int
	}
	lower := strings.ToLower(word)
	limit := max(1, utf8.RuneCountInString(word)/3)
	var near []candidate
	for _, name := range names {
		if len(name) > longest || name == word {
			continue
		}
		other := strings.ToLower(name)
		cost := distance(lower, other, limit)
		if cost > limit && strings.HasSuffix(other, "."+lower) {
			cost = limit
		}
		if cost <= limit {
			near = append(near, candidate{name, cost})
		}
	}
	sort.SliceStable(near, func(i, j int) bool {
		if near[i].cost != near[j].cost {
			return near[i].cost < near[j].cost
		}
		return near[i].name < near[j].name
	})
	var best []string
	for _, c := range near {
		// What is much further away than the best is noise.
		if len(best) == most || c.cost > near[0].cost+1 {
			break
		}
		if !slices.Contains(best, c.name) {
			best = append(best, c.name)
		}
	}
	return best
}

// distance is the number of letters to insert, delete, replace or swap with their neighbour to turn a into b; any
// number above limit means "more than limit".
func distance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) > limit || len(y)-len(x) > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := range x {
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}

// Phrase is a question to append to a message about an unknown word, "; did you mean …?", or "" if nothing is like it.
func Phrase(word string, names []string) string {
	near := Nearest(word, names)
	if len(near) == 0 {
		return ""
	}
	return `; did you mean "` + strings.Join(near, `", "`) + `"?`
}
