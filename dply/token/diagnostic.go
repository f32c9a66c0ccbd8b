package token

import (
	"fmt"
	"sort"
	"strings"
)

// Diagnostic is something wrong with a script, in words for its author.
type Diagnostic struct {
	Pos     Position
	Code    string // "E01" … "E63", stable: people search for it; a warning's begins with "W"
	Message string // what is wrong: no capital, no period
	Hint    string // what to write instead, in full sentences; may be empty
	Source  string // the raw source line, for the caret; may be empty
}

// Error is file:line:column: code: message.
func (d Diagnostic) Error() string {
	if d.Pos == (Position{}) { // about the run, not about a place
		return d.Code + ": " + d.Message
	}
	return fmt.Sprintf("%s: %s: %s", d.Pos, d.Code, d.Message)
}

// Warning reports whether d leaves the script usable.
func (d Diagnostic) Warning() bool { return strings.HasPrefix(d.Code, "W") }

// List is a list of diagnostics. It is an error when it is not empty; see [List.Err].
type List []Diagnostic

// Error is one diagnostic a line.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, d := range l {
		lines[i] = d.Error()
	}
	return strings.Join(lines, "\n")
}

// Sort orders the list by position and keeps the first diagnostic of each source line, so that one mistake gives one
// message.
func (l *List) Sort() {
	sort.SliceStable(*l, func(i, j int) bool {
		a, b := (*l)[i], (*l)[j]
		if a.Pos.File != b.Pos.File {
			return a.Pos.File < b.Pos.File
		}
		if a.Pos.Line != b.Pos.Line {
			return a.Pos.Line < b.Pos.Line
		}
		return a.Pos.Column < b.Pos.Column
	})
	kept := (*l)[:0]
	for i, d := range *l {
		if i > 0 && d.Pos.Line != 0 && len(kept) > 0 {
			if last := kept[len(kept)-1]; last.Pos.File == d.Pos.File && last.Pos.Line == d.Pos.Line && last.Warning() == d.Warning() {
				continue
			}
		}
		kept = append(kept, d)
	}
	*l = kept
}

// Errors returns the list without its warnings.
func (l List) Errors() List {
	var errs List
	for _, d := range l {
		if !d.Warning() {
			errs = append(errs, d)
		}
	}
	return errs
}

// Err returns the list's errors as an error, or nil if there are only warnings.
func (l List) Err() error {
	if errs := l.Errors(); len(errs) > 0 {
		return errs
	}
	return nil
}
