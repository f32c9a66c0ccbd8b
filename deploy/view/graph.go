package view

import (
	"fmt"
	"io"
	"strings"

	"quotewire/deploy"
)

// Graphs are the forms in which a graph can be printed.
var Graphs = map[string]func(io.Writer, []deploy.Vertex) error{"text": graphText, "dot": graphDOT, "mermaid": graphMermaid}

// graphText is a line for each resource, in source order, with what it waits for below it.
func graphText(w io.Writer, all []deploy.Vertex) error {
	width := 0
	for _, v := range all {
		width = max(width, len([]rune(v.Resource)))
	}
	var b strings.Builder
	for _, v := range all {
		fmt.Fprintf(&b, "%s  %s\n", pad(v.Resource, width), v.Pos)
		for _, i := range v.After {
			fmt.Fprintf(&b, "  after %s\n", all[i].Resource)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// graphDOT is the language of Graphviz. An arrow leads from what is made first to what waits for it.
func graphDOT(w io.Writer, all []deploy.Vertex) error {
	var b strings.Builder
	b.WriteString("digraph script {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n")
	for i, v := range all {
		style := ""
		if v.Found {
			style = ", style=dashed"
		}
		fmt.Fprintf(&b, "  n%d [label=%s%s];\n", i, quoted(v.Resource), style)
	}
	for i, v := range all {
		for _, j := range v.After {
			fmt.Fprintf(&b, "  n%d -> n%d;\n", j, i)
		}
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// quoted is a string of DOT: only the quote and the backslash are special.
func quoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ").Replace(text) + `"`
}

// graphMermaid is a flowchart of Mermaid, as many places that render Markdown draw it.
func graphMermaid(w io.Writer, all []deploy.Vertex) error {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for i, v := range all {
		// Mermaid has entities in place of escapes; a label is HTML, and %% begins a comment even in quotes.
		label := strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "%", "#37;", "\n", " ").Replace(v.Resource)
		fmt.Fprintf(&b, "  n%d[\"%s\"]\n", i, label)
	}
	for i, v := range all {
		for _, j := range v.After {
			fmt.Fprintf(&b, "  n%d --> n%d\n", j, i)
		}
	}
	var found []string
	for i, v := range all {
		if v.Found {
			found = append(found, fmt.Sprintf("n%d", i))
		}
	}
	if len(found) > 0 {
		fmt.Fprintf(&b, "  classDef found stroke-dasharray: 4\n  class %s found\n", strings.Join(found, ","))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
