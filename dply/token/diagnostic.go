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

// Sort orders the list by position and keeps the first error of each source line, so that one mistake gives one message,
// and the first warning of each code.
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
	for _, d := range *l {
		if d.Pos.Line != 0 {
			if repeats(kept, d) {
				continue
			}
		}
		kept = append(kept, d)
	}
	*l = kept
}

// repeats reports whether a sorted list ends with a diagnostic that says enough of d's line.
func repeats(sorted List, d Diagnostic) bool {
	for i := len(sorted) - 1; i >= 0 && sorted[i].Pos.File == d.Pos.File && sorted[i].Pos.Line == d.Pos.Line; i-- {
		if sorted[i].Warning() == d.Warning() && (!d.Warning() || sorted[i].Code == d.Code) {
			return true
		}
	}
	return false
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
