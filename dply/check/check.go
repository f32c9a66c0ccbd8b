// Package check says whether a script means something: names, types, properties, kinds of values, policies. It takes
// what can be said from a catalog and knows no cloud; what only the cloud can tell is left open in the [Program].
package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"quotewire/dply/schema"
	"quotewire/dply/suggest"
	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// Config is what a check needs besides the script.
type Config struct {
	Catalog *schema.Catalog
	Env     func(name string) (value string, ok bool) // the environment of env; nil is an empty one
	Region  string                                    // of the run; "" is us-east-1
	Account func() string                             // of the run; nil, and "", if no cloud is asked. It is called only by a script that uses it

	// Set has the values of parameters by name, as they were given to the run. Nil says that this is no run: a parameter
	// without a value is no mistake then, and stands for its own name in braces.
	Set map[string]string
}

// Check resolves the files, which are one script. The program is nil if there are errors. The list does not repeat what
// the parser has reported.
func Check(files []*syntax.File, config Config) (*Program, token.List) {
	config.Region = cmp.Or(config.Region, "us-east-1")
	c := &checker{
		config:  config,
		types:   byName(config.Catalog.Types),
		verbs:   byName(config.Catalog.Verbs),
		readers: byName(config.Catalog.Readers),
		consts:  maps.Clone(constants),
		targets: make(map[string]token.Position),
		roles:   make(map[string]usedRole),
		params:  make(map[string]variable),
		program: &Program{},
	}
	for _, k := range config.Catalog.Consts {
		c.consts[k.Name] = k.Value
	}
	c.scope.later = map[string]token.Position{}
	for _, file := range files {
		for _, p := range file.Params {
			c.later[p.Name.Name] = p.Name.Pos
		}
	}
	for _, file := range files {
		c.file = file
		for _, p := range file.Params {
			c.parameter(p)
		}
	}
	c.unknownSet()
	for _, file := range files {
		c.file = file
		for _, target := range file.Targets {
			c.target(target)
		}
	}
	if c.failed {
		return nil, c.list
	}
	return c.program, c.list
}

// checker is the state of one check.
type checker struct {
	config  Config
	types   map[string]*schema.Type
	verbs   map[string]*schema.Type
	readers map[string]*schema.Type
	consts  map[string]string

	program *Program
	list    token.List
	failed  bool // list has an error
	guesses int  // how many names were looked for the nearest one to
	taken   int  // how many lines and items have come from elsewhere in the script, by @like or a variable
	targets map[string]token.Position
	roles   map[string]usedRole
	params  map[string]variable // the parameters of the script, whichever file has them

	file *syntax.File // the one that is checked
	scope
}

func byName(types []*schema.Type) map[string]*schema.Type {
	m := make(map[string]*schema.Type, len(types))
	for _, t := range types {
		m[t.Name] = t
	}
	return m
}

// report adds a diagnostic. A code that begins with W is a warning.
func (c *checker) report(at token.Position, code, message, hint string) {
	d := token.Diagnostic{Pos: at, Code: code, Message: message, Hint: strings.TrimSpace(hint)}
	if i := at.Line - 1; i >= 0 && c.file != nil && i < len(c.file.Lines) {
		d.Source = c.file.Lines[i].Text
	}
	c.failed = c.failed || !d.Warning()
	c.list = append(c.list, d)
}

// fail reports a mistake and gives the line up: nobody is to be told what is wrong below it.
func (c *checker) fail(line *syntax.Line, at token.Position, code, message, hint string) {
	c.report(at, code, message, hint)
	line.Bad = true
}

// maxGuesses bounds the search for what was meant, so that a file of nothing but mistakes takes no longer than another.
const maxGuesses = 100

// maxTaken bounds what a script takes from elsewhere in it, line by line and item by item: a few lines must not stand for as
// much as a script could never say. It is a hundred times what two hundred functions take that are all like one.
const maxTaken = 200_000

// takes notes that n lines or items come from elsewhere, and reports when that is too much.
func (c *checker) takes(n int, at token.Position) bool {
	if c.taken += n; c.taken <= maxTaken {
		return true
	}
	c.report(at, "E38", fmt.Sprintf("the script takes more than %d lines and items from elsewhere in it", maxTaken), "Describe less of it in one place, or make several scripts of it.")
	return false
}

// nearest returns the known names that are like one that is not known.
func (c *checker) nearest(name string, known []string) []string {
	if c.guesses++; c.guesses > maxGuesses {
		return nil
	}
	return suggest.Nearest(name, known)
}

// didYouMean is a sentence with the nearest names and a space after it, or "".
func (c *checker) didYouMean(name string, known []string) string {
	near := c.nearest(name, known)
	if len(near) == 0 {
		return ""
	}
	return "Did you mean " + either(near) + "? "
}

// either lists alternatives: a, b or c.
func either(names []string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " or " + names[n-1]
	}
	return strings.Join(names, "")
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// target checks the statements of one target.
func (c *checker) target(t *syntax.Target) {
	if first, twice := c.targets[t.Name.Name]; twice {
		c.report(t.Name.Pos, "E22", fmt.Sprintf("target %s is defined twice", t.Name.Name), fmt.Sprintf("The first is at %s. Give this one another name.", first))
	} else {
		c.targets[t.Name.Name] = t.Name.Pos
	}
	target := &Target{Name: t.Name.Name, Pos: t.Name.Pos}
	c.scope = newScope(t)
	for _, node := range t.Body {
		switch node := node.(type) {
		case *syntax.Statement:
			if s := c.statement(node); s != nil {
				target.Statements = append(target.Statements, s)
			}
		case *syntax.Bad:
			c.bind(node.Bind, nil)
		}
	}
	c.program.Targets = append(c.program.Targets, target)
}
