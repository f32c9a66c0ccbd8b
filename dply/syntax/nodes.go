package syntax

import (
	"strings"

	"quotewire/dply/token"
)

// Node is what a code line means: one of *Target, *Param, *Statement, *Command, *Adverb, *Prop, *Field, *Item and *Bad.
type Node interface{ Source() *Line }

// Ident is a word with its place.
type Ident struct {
	Pos  token.Position
	Name string
}

// Target is "target NAME" with its statements. Body also holds *Bad.
type Target struct {
	*Line
	Name     Ident
	Body     []Node
	Implicit bool // stands for the whole file, which has no target line
}

// Param is "parameter NAME" or "parameter NAME <- value": what a run is told.
type Param struct {
	*Line
	Name    Ident
	Default Expr // nil if every run has to give a value
}

// Doc is what the parameter is for: the comment at the end of its line, or else the paragraph of prose above it.
func (p *Param) Doc() string {
	if p.Comment != "" {
		return strings.TrimSpace(strings.TrimLeft(p.Comment, "/"))
	}
	above := p.File.Lines[:p.Number-1]
	for len(above) > 0 && above[len(above)-1].Kind == token.Blank {
		above = above[:len(above)-1]
	}
	first := len(above)
	for first > 0 && above[first-1].Kind == token.Prose {
		first--
	}
	var words []string
	for _, line := range above[first:] {
		words = append(words, strings.Fields(line.Text)...)
	}
	return strings.Join(words, " ")
}

// Statement is a line of a target.
type Statement struct {
	*Line
	Verb  Ident // no name if the statement is only an expression, which is then its one argument
	Args  []Expr
	Arrow token.Position // of =>
	Bind  Ident          // the variable after =>, or no name
	Body  []Node
}

// Command is any other line that begins with a word: integration, route and stage in an API; assume and policy in a
// role; allow and deny in a policy; action, resource, principal and condition below those.
type Command struct {
	*Line
	Word Ident
	Args []Expr
	Body []Node
}

// Adverb is "@name arguments". Name has its @.
type Adverb struct {
	*Line
	Name Ident
	Args []Expr
}

// Prop is "NAME <- value" or "NAME <= READER arguments".
type Prop struct {
	*Line
	Name   Ident
	Value  Expr   // of <-; an empty ListLit or MapLit takes its items or entries from Body
	Reader Ident  // of <=
	Args   []Expr // of <=
	Body   []Node
}

// Field is "NAME type" in aws.DynamoFields. Body holds its @Key.
type Field struct {
	*Line
	Name, Type Ident
	Body       []Node
}

// Item is one value of a list that is written as a block. An empty ListLit or MapLit takes its content from Body.
type Item struct {
	*Line
	Value Expr
	Body  []Node
}

// Bad is a line that could not be read. Name is the word or the adverb that it begins with and Bind what it would have
// bound, as far as can be told: so that one mistake is not reported again as something missing.
type Bad struct {
	*Line
	Name string
	Bind Ident
}

// Source is the line itself.
func (l *Line) Source() *Line { return l }
