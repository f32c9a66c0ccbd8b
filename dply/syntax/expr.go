package syntax

import "quotewire/dply/token"

// Expr is a value as it is written.
type Expr interface{ Pos() token.Position }

// StringLit is "text".
type StringLit struct {
	At   token.Position
	Text string // without the quotes
}

// Template is `text {name} text`: what its parts make one after the other. A part is a StringLit, a Name or a Member.
type Template struct {
	At    token.Position
	Parts []Expr
}

// NumberLit is a number, its sign included.
type NumberLit struct {
	At    token.Position
	Value float64
}

// Name is a variable or a constant.
type Name struct{ Ident }

// Member is X->a, or X->a->b.
type Member struct {
	X     Expr
	Names []Ident
}

// Arith is X and the steps that are calculated with it, from left to right, all of one precedence: a line of a million
// additions is long, but not deep.
type Arith struct {
	X     Expr
	Steps []Step
}

// Step is one of + - * / with its right operand.
type Step struct {
	Op Ident
	Y  Expr
}

// Sum is "sum" and its arguments.
type Sum struct {
	At   token.Position
	Args []Expr
}

// Hours is "X hours".
type Hours struct{ X Expr }

// Paren is (X).
type Paren struct {
	At token.Position
	X  Expr
}

// ListLit is [a, b].
type ListLit struct {
	At    token.Position
	Items []Expr
}

// MapLit is {a: 1, b: 2}.
type MapLit struct {
	At      token.Position
	Entries []Entry
}

// Entry is one name of a MapLit with its value.
type Entry struct {
	Name  Ident
	Value Expr
}

func (x StringLit) Pos() token.Position { return x.At }
func (x Template) Pos() token.Position  { return x.At }
func (x NumberLit) Pos() token.Position { return x.At }
func (x Name) Pos() token.Position      { return x.Ident.Pos }
func (x Member) Pos() token.Position    { return x.X.Pos() }
func (x Arith) Pos() token.Position     { return x.X.Pos() }
func (x Sum) Pos() token.Position       { return x.At }
func (x Hours) Pos() token.Position     { return x.X.Pos() }
func (x Paren) Pos() token.Position     { return x.At }
func (x ListLit) Pos() token.Position   { return x.At }
func (x MapLit) Pos() token.Position    { return x.At }
