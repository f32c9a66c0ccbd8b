package token

import "fmt"

// Position is a place in a script. Line and Column count from 1; a column is one character, a tab included.
// The zero Position means "no place".
type Position struct {
	File   string
	Line   int
	Column int
}

// String is file:line:column, the form that editors and terminals turn into a link.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}
