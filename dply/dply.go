// Package dply is the deployment language: prose with statements in it, each of which says that a piece of
// infrastructure must exist. This package has the short call that most callers want; the packages below it are the
// phases: token and scanner (lines, blocks, tokens), syntax (the tree, with its prose), parser, printer (its one layout),
// and check (what it means). None of them knows a cloud or reads a file. The language is described in docs/language.md.
package dply

import (
	"quotewire/dply/check"
	"quotewire/dply/parser"
	"quotewire/dply/printer"
	"quotewire/dply/schema"
	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// Source is the text of one script file.
type Source struct {
	Name string // as diagnostics show it
	Text []byte
}

// Option changes what [Check] does.
type Option func(*options)

type options struct {
	check.Config
	advise func(*check.Program) token.List
	mode   parser.Mode
}

// LookupEnv gives env its environment, usually os.LookupEnv. Without it no variable is set.
func LookupEnv(lookup func(name string) (string, bool)) Option {
	return func(o *options) { o.Env = lookup }
}

// Region is the region of the run, for the constants that contain it; the default is us-east-1.
func Region(name string) Option { return func(o *options) { o.Region = name } }

// Account asks for the number of the run's account, if the script uses it; "" is unknown.
func Account(ask func() string) Option { return func(o *options) { o.Config.Account = ask } }

// Parameters gives the parameters of a script their values: these, or else variables of the environment, DPLY_stage for stage,
// or else their defaults. Without it a script is not run, and a parameter may lack a value.
func Parameters(values map[string]string) Option {
	return func(o *options) {
		if o.Set = values; values == nil {
			o.Set = map[string]string{}
		}
	}
}

// Advice adds the warnings that give finds in a program without errors.
func Advice(give func(*check.Program) token.List) Option {
	return func(o *options) { o.advise = give }
}

// Fragments lets files without a target line be read: each is one target, named after its file.
func Fragments() Option { return func(o *options) { o.mode = parser.Implicit } }

// Check reads the files, which together are one script, and resolves them. The program is nil if there are errors; the
// list, which is in order, may hold warnings all the same. A warning is left out where the comment at the end of its line
// says so: // ok W10.
func Check(catalog *schema.Catalog, sources []Source, change ...Option) (*check.Program, token.List) {
	config := options{Config: check.Config{Catalog: catalog}}
	for _, o := range change {
		o(&config)
	}
	var files []*syntax.File
	var list token.List
	for _, s := range sources {
		file, found := parser.Parse(s.Name, s.Text, config.mode)
		files = append(files, file)
		list = append(list, found...)
	}
	program, found := check.Check(files, config.Config)
	for _, file := range files {
		found = file.Prune(found)
	}
	list = append(list, found...)
	advised := list.Err() == nil && config.advise != nil
	if advised {
		list = append(list, config.advise(program)...)
	}
	list = heed(files, list, advised)
	list.Sort()
	if list.Err() != nil {
		return nil, list
	}
	return program, list
}

// Format lays one file out in the language's one form, prose untouched; see package printer. A file with mistakes, which
// the list says, is not laid out. A file of statements without a target is a fragment, and laid out all the same.
func Format(s Source) ([]byte, token.List) {
	file, found := parser.Parse(s.Name, s.Text, parser.Implicit)
	if found.Err() != nil {
		return nil, found
	}
	return printer.Print(file), nil
}
