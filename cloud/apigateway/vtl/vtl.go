// Package vtl is the Velocity Template Language as API Gateway's mapping templates use it: text with references such as
// $input.json('$.ticker') and the directives #set, #if, #elseif, #else, #foreach, #break and #stop.
//
// [Parse] reads a template once; [Template.Execute] runs it as often as one likes, at the same time if need be. The
// language of strings, lists and maps is Velocity 1.7's with the methods of Java's classes that AWS documents; what a
// template does that is not there is an error which says its name, never silence. A template is a program of a stranger:
// its steps, its output, the strings it builds and the depth of its nesting are bounded (limits.go).
//
// The package knows no API Gateway. What a template may refer to is given to Execute: [Input] and [Util] are the $input
// and $util of AWS, maps the rest.
package vtl

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Template is a parsed template. It does not change.
type Template struct {
	text string
	body []node
}

// Error is a mistake in a template.
type Error struct {
	Line, Column int // both from 1; of an error at run time too
	Text         string
}

func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Text)
}

// Parse reads a template. The error is an [*Error].
func Parse(text string) (*Template, error) {
	if len(text) > maxTemplate {
		return nil, &Error{1, 1, fmt.Sprintf("the template has %d bytes, and may have %d", len(text), maxTemplate)}
	}
	p := &parser{text: text}
	body, end, err := p.block("")
	if err == nil && end != "" {
		err = p.errorf(p.at, "#%s without #if or #foreach", end)
	}
	if err != nil {
		return nil, located(err, text)
	}
	return &Template{text, body}, nil
}

// located says on which line of a template a mistake is. Lines are counted only for it: to keep count for every
// reference would take a time that grows with the square of the template.
func located(err error, text string) error {
	var m *mistake
	if !errors.As(err, &m) {
		return err
	}
	before := text[:min(int(m.position), len(text))]
	line := strings.LastIndexByte(before, '\n') + 1
	return &Error{strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[line:]) + 1, m.text}
}

// Object is a value with methods of its own, such as $util.
type Object interface {
	// Get returns a property, or an error if there is no such thing.
	Get(name string) (any, error)
	// Call calls a method, or returns an error if there is no such thing.
	Call(method string, args []any) (any, error)
}

// Execute runs the template and returns its output. The variables are strings, booleans, int64, float64, nil, [*Map],
// [*List] and [Object]; what the template sets goes into none of them but the maps and lists that it changes. A reference
// that leads to nothing prints nothing; one to a variable that is not there prints itself.
func (t *Template) Execute(variables map[string]any) (string, error) {
	r := &run{given: variables, set: map[string]any{}, steps: maxSteps, bytes: maxBytes}
	if err := r.nodes(t.body); err != nil && !errors.Is(err, errStop) {
		return "", located(err, t.text)
	}
	return string(r.out), nil
}
