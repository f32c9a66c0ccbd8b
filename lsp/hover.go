package lsp

import (
	"fmt"
	"strings"

	"quotewire/dply"
	"quotewire/dply/check"
	"quotewire/dply/parser"
	"quotewire/dply/schema"
	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// verbDocs describes the verbs that have no entry in a catalog.
var verbDocs = map[string]string{
	"ensure":       "The resource exists with these properties: it is made if it is missing, and else brought into line. `@teardown` says what `quotewire destroy` does with it.",
	"find":         "The resource is there, or a statement above makes it. It is never changed and never removed.",
	"coin":         "A part of other resources, described once and named in each of them. It is nothing by itself.",
	"env":          "The value of an environment variable.",
	"show":         "Prints values when they are known.",
	"files.dir":    "A path: an absolute part, or an earlier path, and relative ones.",
	"files.copy":   "Copies what has changed in a folder to a bucket. Nothing is removed.",
	"policy":       "A policy document from the statements below.",
	"attachPolicy": "Puts the statements of a policy into the policy of a bucket. What others have put there stays.",
}

// lineDocs describes the words that begin lines in the blocks of APIs, roles and policies, and the adverbs.
var lineDocs = map[string]string{
	"parameter":   "`parameter NAME`, or `parameter NAME <- DEFAULT`: what a run is told with `--set NAME=VALUE`. It is known in the whole script.",
	"target":      "A named group of statements. Variables are known in their target only.",
	"integration": "`integration \"name\"`: a backend of the API, with its properties below it.",
	"route":       "`route \"key\" \"integration\"`: which messages or requests go to which integration.",
	"stage":       "`stage \"name\"`: a name under which the API can be called. It is deployed when something beneath it has changed.",
	"authorizer":  "`authorizer \"name\"`: who decides whether a request is let in, for the routes that name it.",
	"assume":      "Who may take the role.",
	"policy":      "What the role may do, or the name of a managed policy to attach.",
	"allow":       "`allow ACTION [RESOURCE]`, with further lines below it: action, resource, principal, condition.",
	"deny":        "`deny ACTION [RESOURCE]`, with further lines below it: action, resource, condition.",
	"action":      "Further actions of the statement above.",
	"resource":    "Further resources of the statement above.",
	"principal":   "`principal KIND ID`: whom the statement is about.",
	"condition":   "`condition OPERATOR KEY VALUE`: when the statement holds.",
	"@teardown":   "`@teardown delete` or `@teardown preserve`: what `quotewire destroy` does with the resource and all its parts.",
	"@like":       "`@like VARIABLE`: what this block does not give itself is taken from the statement that binds the variable.",
	"@destroy":    "`quotewire destroy --marked` removes this resource, and nothing that is not marked.",
	"@Key":        "`@Key hash` or `@Key range`: the field is a key of the table.",
}

func (d *document) verbDoc(verb string) string {
	if t := named(d.server.Catalog.Verbs, verb); t != nil {
		return t.Doc
	}
	return verbDocs[verb]
}

func (d *document) hover(p positionParams) (any, error) {
	l, column := d.place(p.Position)
	if l == nil {
		return nil, nil
	}
	t, i := tokenAt(l, column)
	if i < 0 {
		return nil, nil
	}
	if t.Kind == token.Template {
		if id, ok := nameAt(l, column); ok {
			if text := d.explainName(l, id.Name); text != "" {
				return hover{markdown(text), d.identSpan(id)}, nil
			}
		}
		return nil, nil
	}
	if text := d.explain(l, t, i); text != "" {
		return hover{markdown(text), d.tokenSpan(l, t)}, nil
	}
	return nil, nil
}

// explain says what a token means at its place, or "".
func (d *document) explain(l *syntax.Line, t token.Token, i int) string {
	switch {
	case t.Kind == token.Adverb:
		return lineDocs[t.Text]
	case t.Kind != token.Ident:
		return ""
	case i > 1 && l.Tokens[i-1].Is("->"):
		return d.explainMember(l, l.Tokens[i-2].Text, t.Text)
	}
	if typ := named(append(d.server.Catalog.Types, d.server.Catalog.Readers...), t.Text); typ != nil && i > 0 {
		return typeDoc(typ)
	}
	parents := d.parents(l, l.Indent)
	if i == 0 && len(l.Tokens) > 1 && (l.Tokens[1].Is("<-") || l.Tokens[1].Is("<=")) {
		props, owner := d.properties(parents)
		for _, p := range props {
			if p.Name == t.Text {
				return propertyDoc(p, owner)
			}
		}
		return ""
	}
	if i == 0 && len(parents) > 0 && startsWith(parents[0], "target") {
		if doc := d.verbDoc(t.Text); doc != "" {
			return code(parser.Usage(t.Text)) + doc
		}
	}
	if i == 0 && lineDocs[t.Text] != "" {
		return lineDocs[t.Text]
	}
	return d.explainName(l, t.Text)
}

// explainName says what a variable, a parameter or a constant stands for, or "".
func (d *document) explainName(l *syntax.Line, name string) string {
	if s := d.scopeOf(l.Number); s != nil && s.bound[name] != nil {
		statement := s.bound[name]
		text := code(describe(statement)+" => "+name) + fmt.Sprintf("Bound on line %d.", statement.Number)
		if typ := d.typeOf(statement.Line); typ != nil {
			text += " " + typ.Doc
		}
		return text
	}
	if _, p := d.parameter(name); p != nil {
		return code(strings.TrimSpace(strings.TrimSuffix(p.Text, p.Comment))) + p.Doc()
	}
	if doc := check.RunDocs[name]; doc != "" {
		return code(name) + doc
	}
	for _, k := range d.server.Catalog.Consts {
		if k.Name == name {
			return code(fmt.Sprintf("%q", k.Value))
		}
	}
	return ""
}

func (d *document) explainMember(l *syntax.Line, variable, member string) string {
	t := d.variableType(l.Number, variable)
	if t == nil {
		return ""
	}
	for _, m := range t.Members {
		if m.Name == member {
			return code(fmt.Sprintf("%s->%s: %s", t.Name, m.Name, m.Kind)) + m.Doc
		}
	}
	return ""
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "```\n" + text + "\n```\n"
}

func typeDoc(t *schema.Type) string {
	var b strings.Builder
	b.WriteString(code(t.Name) + t.Doc)
	list := func(head string, props []schema.Property) {
		if len(props) > 0 {
			b.WriteString("\n\n" + head + "\n")
		}
		for _, p := range props {
			fmt.Fprintf(&b, "\n- `%s`: %s", p.Name, summary(p))
		}
	}
	list("Properties:", t.Properties)
	list("To find it:", t.FindBy)
	if len(t.Members) > 0 {
		b.WriteString("\n\nMembers:\n")
		for _, m := range t.Members {
			fmt.Fprintf(&b, "\n- `%s`: %s", m.Name, m.Doc)
		}
	}
	return b.String()
}

// summary is a property in a few words.
func summary(p schema.Property) string {
	kinds := make([]string, len(p.Kinds))
	for i, k := range p.Kinds {
		kinds[i] = string(k)
	}
	text := strings.Join(kinds, " or ")
	if p.Required {
		text += ", required"
	}
	if p.Default != "" {
		text += ", default " + p.Default
	}
	return text
}

func propertyDoc(p schema.Property, owner string) string {
	text := code(owner+": "+p.Name) + p.Doc + "\n\n*" + summary(p) + "*"
	if len(p.Enum) > 0 {
		text += "\n\nOne of `" + strings.Join(p.Enum, "`, `") + "`."
	}
	if len(p.Readers) > 0 {
		text += "\n\nWrite: `" + p.Name + " <= " + strings.Join(p.Readers, "` or `"+p.Name+" <= ") + "`"
	}
	return text
}

// format lays the whole text out. A text with mistakes is left alone.
func (d *document) format(positionParams) (any, error) {
	tidy, found := dply.Format(dply.Source{Name: d.name, Text: []byte(d.text)})
	if found.Err() != nil {
		return nil, &rpcError{requestFailed, "a script with mistakes is not laid out: " + found.Errors()[0].Error()}
	}
	if string(tidy) == d.text {
		return []textEdit{}, nil
	}
	end := position{len(d.file.Lines), 0}
	return []textEdit{{span{position{}, end}, string(tidy)}}, nil
}

// symbols are the targets with their statements.
func (d *document) symbols(positionParams) (any, error) {
	list := []symbol{}
	for _, p := range d.file.Params {
		list = append(list, symbol{Name: p.Name.Name, Detail: "parameter", Kind: symbolConstant, Range: d.block(p.Number, p.Number), SelectionRange: d.identSpan(p.Name)})
	}
	for _, t := range d.file.Targets {
		target := symbol{Name: t.Name.Name, Kind: symbolNamespace, Range: d.block(t.Line.Number, t.Line.Last), SelectionRange: d.identSpan(t.Name)}
		if t.Implicit {
			target.SelectionRange = span{target.Range.Start, target.Range.Start}
		}
		for _, node := range t.Body {
			s, ok := node.(*syntax.Statement)
			if !ok {
				continue
			}
			target.Children = append(target.Children, symbol{Name: orName(describe(s), s.Bind.Name), Detail: s.Bind.Name, Kind: symbolObject,
				Range: d.block(s.Number, s.Last), SelectionRange: d.word(s.Pos())})
		}
		list = append(list, target)
	}
	return list, nil
}

func orName(text, name string) string {
	if text == "" {
		return name
	}
	return text
}

// block is the range of whole lines.
func (d *document) block(first, last int) span {
	l := d.line(max(last, first))
	return span{position{first - 1, 0}, d.at(l, len([]rune(l.Text))+1)}
}
