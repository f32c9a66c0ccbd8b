package lsp

import (
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"quotewire/dply"
	"quotewire/dply/syntax"
)

// analyse reads the new text of an open document and checks the script that it is part of, with what the editor has not
// saved yet. It returns the document, and all whose mistakes may have changed with it.
func (s *Server) analyse(uri, text string, version int) (*document, []*document) {
	d := s.read(uri, text)
	d.version = version
	if s.documents == nil {
		s.documents = map[string]*document{}
	}
	s.documents[uri] = d
	beside := s.beside(d)
	all := append(beside, d)
	slices.SortFunc(all, func(a, b *document) int { return strings.Compare(a.name, b.name) })
	if collide(all) {
		for _, one := range all {
			s.check([]*document{one})
		}
	} else {
		s.check(all)
	}
	return d, all
}

// beside are the other files in the folder of a document: as the editor has them, or else as they lie there.
func (s *Server) beside(d *document) []*document {
	if d.path == "" || s.Beside == nil {
		return nil
	}
	folder, known := path.Dir(d.path), map[string]*document{}
	for _, open := range s.documents {
		if open.path != "" && path.Dir(open.path) == folder {
			known[open.name] = open
		}
	}
	var all []*document
	for _, source := range s.Beside(folder) {
		name := path.Base(source.Name)
		if known[name] != nil || name == d.name {
			continue
		}
		at := folder + "/" + name
		saved := s.saved[at]
		if saved == nil || saved.text != string(source.Text) {
			saved = s.read((&url.URL{Scheme: "file", Path: at}).String(), string(source.Text))
		}
		if s.saved == nil {
			s.saved = map[string]*document{}
		}
		s.saved[at] = saved
		all = append(all, saved)
	}
	for _, open := range known {
		if open.name != d.name {
			all = append(all, open)
		}
	}
	return all
}

// collide reports whether files that lie in one folder are scripts of their own: two of them have a target or a parameter of
// one name, which the files of one script cannot.
func collide(files []*document) bool {
	first := map[string]*document{}
	taken := func(kind string, d *document, id syntax.Ident) bool {
		other, twice := first[kind+id.Name]
		first[kind+id.Name] = d
		return twice && other != d
	}
	for _, d := range files {
		for _, t := range d.file.Targets {
			if taken("target ", d, t.Name) {
				return true
			}
		}
		for _, p := range d.file.Params {
			if taken("parameter ", d, p.Name) {
				return true
			}
		}
	}
	return false
}

// check checks the files of one script together.
func (s *Server) check(files []*document) {
	options := []dply.Option{dply.Fragments(), dply.LookupEnv(environment)}
	if s.Advise != nil {
		options = append(options, dply.Advice(s.Advise))
	}
	sources := make([]dply.Source, len(files))
	byName := map[string]*document{}
	for i, d := range files {
		sources[i] = dply.Source{Name: d.name, Text: []byte(d.text)}
		byName[d.name] = d
		d.script, d.found = files, nil
	}
	_, found := dply.Check(s.Catalog, sources, options...)
	for _, m := range found {
		if d := byName[m.Pos.File]; d != nil {
			d.found = append(d.found, m)
		}
	}
}

// environment takes every variable for set: the editor's environment is not the one of the run.
func environment(name string) (string, bool) { return os.Getenv(name), true }

// parameter is the one of that name in the script of a document, with the file that has it; nil if there is none.
func (d *document) parameter(name string) (*document, *syntax.Param) {
	for _, file := range d.script {
		for _, p := range file.file.Params {
			if p.Name.Name == name {
				return file, p
			}
		}
	}
	return nil, nil
}
