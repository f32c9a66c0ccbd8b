// Package weave makes one page of a script: its prose as prose, its code highlighted with every name linked to what it
// means, and drawings of the way of a message and of the resources. The page needs nothing beside it and runs no program,
// so it can be mailed, printed and read offline.
package weave

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
	"quotewire/dply/syntax"
)

// Script is what a page is made of.
type Script struct {
	Files     []*syntax.File // in the order in which they are to be read
	Program   *check.Program // of the files
	Catalog   *schema.Catalog
	Resources []deploy.Vertex // of the program
}

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// Page writes the page.
func Page(w io.Writer, s Script) error {
	names := newIndex(s.Catalog)
	var body bytes.Buffer
	var contents []heading
	title, at := s.Files[0].Name, anchors{}
	for i, f := range s.Files {
		names.declare(f, i)
	}
	for i, f := range s.Files {
		at[f.Name] = i
		links := linksOf(f, i, names)
		headings, err := weaveFile(&body, f, i, links)
		if err != nil {
			return fmt.Errorf("weave %s: %w", f.Name, err)
		}
		contents = append(contents, headings...)
	}
	if len(contents) > 0 && contents[0].Level == 1 {
		title = contents[0].Text
	}
	return page.Execute(w, map[string]any{
		"Title":     title,
		"Contents":  slices.DeleteFunc(slices.Clone(contents), func(h heading) bool { return h.Level > 2 }),
		"Body":      template.HTML(body.String()),
		"Way":       way(s.Program, at),
		"Resources": resources(s.Resources, at),
		"Names":     names.used(),
	})
}
