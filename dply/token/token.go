package token

import "strings"

// Kind is the kind of a token.
type Kind uint8

// The kinds of token. Comments are no tokens.
const (
	Ident    Kind = iota + 1 // letters, digits, _ and dots: aws.S3.Bucket is one
	Number                   // 26, 1.5, 7.3e-4, 0x3f
	String                   // "…" or '…'
	Template                 // `…`
	Adverb                   // @teardown
	Symbol                   // the longest run of + - * / < = > ! $ % & |
	Punct                    // one of ( ) [ ] { } , :
)

// Token is one word of a code line.
type Token struct {
	Kind   Kind
	Text   string // as written: a string or a template with its quotes, an adverb with its @
	Column int    // in characters, from 1
	Offset int    // in bytes from the start of the line, from 0
}

// End is the offset of the byte after the token.
func (t Token) End() int { return t.Offset + len(t.Text) }

// Is reports whether t is that symbol or punctuation.
func (t Token) Is(text string) bool {
	return (t.Kind == Symbol || t.Kind == Punct) && t.Text == text
}

// Unquote is what a string token stands for: the text between its quotes, with each doubled quote taken once.
func (t Token) Unquote() string {
	quote := t.Text[:1]
	return strings.ReplaceAll(t.Text[1:len(t.Text)-1], quote+quote, quote)
}
