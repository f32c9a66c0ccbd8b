package token

// LineKind says what a line is to the language.
type LineKind uint8

// The kinds of line.
const (
	Blank   LineKind = iota // empty or only white space
	Prose                   // begins in column 1: for people, ignored, and closes no block
	Code                    // indented
	Comment                 // indented, but holds only a // comment: as good as blank
)

// Line is one line of a script as it was written: Text and End of all lines, one after the other, are the script.
type Line struct {
	Number int // from 1
	Kind   LineKind
	Text   string // without the line's end
	End    string // "\n", "\r\n", or "" at the end of the script
	Indent string // the leading white space of a code line
}
