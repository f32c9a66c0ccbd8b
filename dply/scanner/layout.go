package scanner

import (
	"sort"
	"strings"
)

// Layout follows the indentation of code lines from the first to the last. Indentations are compared as exact strings:
// a tab is never worth a number of spaces.
type Layout struct {
	open []string // the indentations of the open blocks; each one continues the one before
	skip string   // the indentation of a rejected line, whose block is skipped too; "" if there is none
}

// Placement is what [Layout.Place] decides on a line.
type Placement uint8

// The decisions of a layout.
const (
	Placed   Placement = iota // the line is at the level returned
	Rejected                  // the indentation fits no open block
	Foreign                   // the indentation has other characters than spaces and tabs
	Skipped                   // the line belongs to the block of a rejected line
)

// Place decides on the next code line. A line at level n is a child of the last line before it at level n-1.
func (l *Layout) Place(indent string) (level int, p Placement) {
	if l.skip != "" {
		if len(indent) > len(l.skip) && strings.HasPrefix(indent, l.skip) {
			return 0, Skipped
		}
		l.skip = ""
	}
	if strings.Trim(indent, " \t") != "" {
		l.skip = indent
		return 0, Foreign
	}
	if len(l.open) == 0 {
		l.open = append(l.open, indent)
		return 0, Placed
	}
	top := l.Top()
	if len(indent) > len(top) && strings.HasPrefix(indent, top) {
		l.open = append(l.open, indent)
		return len(l.open) - 1, Placed
	}
	// Open indentations grow, so that the one to compare with is found by its length.
	i := sort.Search(len(l.open), func(i int) bool { return len(l.open[i]) >= len(indent) })
	if i < len(l.open) && l.open[i] == indent {
		l.open = l.open[:i+1]
		return i, Placed
	}
	l.skip = indent
	return 0, Rejected
}

// Top is the indentation of the innermost open block, or "".
func (l *Layout) Top() string {
	if len(l.open) == 0 {
		return ""
	}
	return l.open[len(l.open)-1]
}

// BadIndent is the first character of an indentation that is neither a space nor a tab, and its column.
func BadIndent(indent string) (char rune, column int) {
	for _, c := range indent {
		column++
		if c != ' ' && c != '\t' {
			return c, column
		}
	}
	return 0, 0
}

// Show writes an indentation with S for each space and T for each tab.
func Show(indent string) string {
	return strings.NewReplacer(" ", "S", "\t", "T").Replace(indent)
}
