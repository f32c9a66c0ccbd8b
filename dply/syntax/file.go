// Package syntax is the tree of a script. A statement takes exactly one line, so the tree is a tree of lines: every line
// of the file is kept, with its prose, its comments and its white space, and each code line that could be read carries
// the node that says what it means. A printer that walks [File.Lines] can give the script back byte for byte.
package syntax

import (
	"slices"

	"quotewire/dply/token"
)

// File is one script.
type File struct {
	Name    string
	BOM     bool   // the script began with a byte order mark
	Lines   []Line // all lines, in order
	Targets []*Target
	Params  []*Param
}

// Line is one line with what the parser made of it.
type Line struct {
	token.Line
	File     *File
	Tokens   []token.Token // of a code line
	Comment  string        // the comment after the tokens, with its slashes
	Level    int           // of a code line: 0 for targets
	Children []*Line       // the code lines of its block, one level deeper
	Last     int           // the number of the last line of its block, or its own
	Node     Node          // nil if the line is no code or could not be read

	// Bad says that the line could not be read, or means nothing; a diagnostic says why. Its block is not looked at.
	Bad bool
	// Torn says that a line of the block was rejected for its indentation, so that something may seem to be missing.
	Torn bool
}

// Pos is the place of the line's first token, or of its first character.
func (l *Line) Pos() token.Position {
	if len(l.Tokens) > 0 {
		return l.At(l.Tokens[0])
	}
	return l.Column(1)
}

// At is the place of a token of the line.
func (l *Line) At(t token.Token) token.Position { return l.Column(t.Column) }

// Column is a place on the line.
func (l *Line) Column(column int) token.Position {
	return token.Position{File: l.File.Name, Line: l.Number, Column: column}
}

// Prune drops the diagnostics of lines that are nested under a bad one: one mistake gives one message.
func (f *File) Prune(list token.List) token.List {
	silent := make([]bool, len(f.Lines)+1)
	last := 0
	for _, line := range f.Lines {
		silent[line.Number] = line.Number <= last
		if line.Bad {
			last = max(last, line.Last)
		}
	}
	return slices.DeleteFunc(list, func(d token.Diagnostic) bool {
		return d.Pos.File == f.Name && d.Pos.Line < len(silent) && silent[d.Pos.Line]
	})
}
