package schema

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Range is the numbers allowed, in words, such as "1 to 900", or "" if all are.
func (p Property) Range() string {
	if n := len(p.Numbers); n > 0 {
		var all []string
		for _, x := range p.Numbers {
			all = append(all, number(x))
		}
		return strings.Join(all[:n-1], ", ") + " or " + all[n-1]
	}
	if p.Min == 0 && p.Max == 0 {
		return ""
	}
	return number(p.Min) + " to " + number(p.Max)
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// What describes the values that the property takes, such as `"ipv4" or "dualstack"`, in plain text.
func (p Property) What() string {
	var all []string
	for _, kind := range p.Kinds {
		switch {
		case kind == String && p.Enum != nil:
			for _, word := range p.Enum {
				all = append(all, strconv.Quote(word))
			}
		case kind == Number && p.Range() != "":
			all = append(all, "number "+p.Range())
		case kind == Value:
			for _, reader := range p.Readers {
				all = append(all, "<= "+reader)
			}
		case kind == Object:
			all = append(all, p.Objects...)
		case kind == List:
			all = append(all, "list of "+p.items())
		default:
			all = append(all, string(kind))
		}
	}
	return strings.Join(all, ", ")
}

func (p Property) items() string {
	switch {
	case slices.Contains(p.Items, Map):
		return "maps"
	case slices.Contains(p.Items, Policy):
		return "policy documents"
	case slices.Contains(p.Items, Object) && !slices.Contains(p.Items, String):
		return strings.Join(p.Objects, ", ")
	case slices.Contains(p.Items, Object):
		return "objects, or their names"
	case p.Enum != nil:
		return "strings: " + strings.Join(p.Enum, ", ")
	}
	return "strings"
}

// Text is the documentation of a property in one paragraph: what it says, what it takes, and what applies without it.
func (p Property) Text() string {
	b := strings.Builder{}
	b.WriteString(p.Doc)
	if what := p.What(); what != "" {
		fmt.Fprintf(&b, " Takes: %s.", what)
	}
	switch {
	case p.Required:
		b.WriteString(" Required.")
	case p.Default != "":
		fmt.Fprintf(&b, " Default: %s.", p.Default)
	}
	if p.Fixed {
		b.WriteString(" Cannot be changed.")
	}
	return strings.TrimSpace(b.String())
}

// Reference is the catalog as a page of Markdown.
func Reference(c *Catalog) []byte {
	var b strings.Builder
	b.WriteString("# What a script can name\n\n" +
		"Every type, verb and compound value, with its properties. *Fixed* marks what cannot be changed once the resource is there: the\n" +
		"deployer refuses such a change before it touches anything.\n\n" +
		"This page is generated from the same catalog that the checker uses: `go test ./deploy/aws -run TestReferenceIsWhatTheCatalogSays -update`.\n\n")
	for _, part := range []struct {
		title string
		types []*Type
	}{{"Types", c.Types}, {"Verbs", c.Verbs}, {"Compound values", c.Readers}} {
		fmt.Fprintf(&b, "- %s: %s\n", part.title, links(part.types))
	}
	for _, part := range []struct {
		title string
		types []*Type
	}{{"Types", c.Types}, {"Verbs", c.Verbs}, {"Compound values", c.Readers}} {
		fmt.Fprintf(&b, "\n## %s\n", part.title)
		for _, t := range part.types {
			t.reference(&b)
		}
	}
	b.WriteString("\n## Constants\n\n| name | value |\n| --- | --- |\n")
	for _, k := range c.Consts {
		fmt.Fprintf(&b, "| `%s` | `%s` |\n", k.Name, k.Value)
	}
	return []byte(b.String())
}

func links(types []*Type) string {
	var all []string
	for _, t := range types {
		all = append(all, fmt.Sprintf("[%s](#%s)", t.Name, anchor(t.Name)))
	}
	return strings.Join(all, ", ")
}

// anchor is what a heading is called in links on the pages that show Markdown.
func anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
			return r
		}
		return -1
	}, strings.ToLower(title))
}

func (t *Type) reference(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n", t.Name)
	var verbs []string
	for verb, can := range map[string]bool{"ensure": t.Ensure, "find": t.Find, "coin": t.Coin} {
		if can {
			verbs = append(verbs, verb)
		}
	}
	slices.Sort(verbs)
	if verbs != nil {
		fmt.Fprintf(b, "For `%s`. ", strings.Join(verbs, "`, `"))
	}
	b.WriteString(t.Doc)
	if t.Notes != "" {
		b.WriteString(" " + t.Notes)
	}
	if t.Files {
		b.WriteString(" It takes files.copy.")
	}
	if t.Policies {
		b.WriteString(" It takes attachPolicy.")
	}
	b.WriteString("\n")
	table(b, "property", t.Properties)
	if len(t.FindBy) > 0 {
		table(b, "to find it", t.FindBy)
	}
	if len(t.Members) > 0 {
		b.WriteString("\n| member | kind | |\n| --- | --- | --- |\n")
		for _, m := range t.Members {
			self := ""
			if m.Name == t.Self {
				self = " The variable by itself stands for it where a string is wanted."
			}
			fmt.Fprintf(b, "| `%s` | %s | %s%s |\n", m.Name, m.Kind, cell(m.Doc), self)
		}
	}
}

func table(b *strings.Builder, title string, props []Property) {
	if len(props) == 0 {
		return
	}
	fmt.Fprintf(b, "\n| %s | takes | default | |\n| --- | --- | --- | --- |\n", title)
	rows(b, "", props)
}

// rows writes the properties, and those of a map's or a list's maps below it.
func rows(b *strings.Builder, prefix string, props []Property) {
	for _, p := range props {
		def := p.Default
		if p.Required {
			def = "**required**"
		}
		doc := p.Doc
		if p.With != "" {
			doc += fmt.Sprintf(" Needs %s.", p.With)
		}
		if p.Fixed {
			doc += " *Fixed.*"
		}
		fmt.Fprintf(b, "| `%s%s` | %s | %s | %s |\n", prefix, p.Name, cell(p.What()), cell(def), cell(doc))
		rows(b, prefix+p.Name+".", p.Entries)
	}
}

// cell keeps a text from ending its cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
