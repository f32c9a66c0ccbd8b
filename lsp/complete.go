package lsp

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"quotewire/dply/check"
	"quotewire/dply/parser"
	"quotewire/dply/scanner"
	"quotewire/dply/schema"
	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// completion is the work on one request.
type completion struct {
	d       *document
	line    *syntax.Line
	before  []token.Token // the tokens before the word that is being written
	replace span          // that word
	parents []*syntax.Line
	braces  bool // the word is in the braces of a template
	items   []completionItem
}

// braces reports whether a text ends in an open template, and where the name in its open brace begins; -1 if none is open.
func braces(text string, m *scanner.Mistake) (name int, open bool) {
	runes := []rune(text)
	if m == nil || m.Code != "E11" || runes[m.Column-1] != '`' {
		return -1, false
	}
	inside := string(runes[m.Column:])
	i := strings.LastIndexByte(inside, '{')
	if i < 0 || strings.Contains(inside[i:], "}") || strings.HasSuffix(inside[:i+1], "{{") {
		return -1, true
	}
	return len(text) - len(inside) + i + 1, true
}

func (d *document) complete(p positionParams) (any, error) {
	l, column := d.place(p.Position)
	none := []completionItem{}
	if l == nil || l.Kind == token.Prose {
		return none, nil
	}
	runes := []rune(l.Text)
	text := string(runes[:min(column-1, len(runes))])
	if strings.TrimLeft(text, " \t") == text { // at the margin: prose
		return none, nil
	}
	line := token.Line{Text: text, Indent: text[:len(text)-len(strings.TrimLeft(text, " \t"))]}
	tokens, comment, mistake := scanner.Tokens(line, nil)
	if comment != "" {
		return none, nil
	}
	c := &completion{d: d, line: l, before: tokens, parents: d.parents(l, line.Indent)}
	start := column
	if names, open := braces(text, mistake); open { // a template that is not closed yet
		if names < 0 {
			return none, nil
		}
		c.before = nil
		start = utf8.RuneCountInString(text[:names]) + 1
		if arrow := strings.LastIndex(text, "->"); arrow > names {
			c.before, _, _ = scanner.Tokens(token.Line{Text: text[names : arrow+2]}, nil)
			start = utf8.RuneCountInString(text[:arrow+2]) + 1
		}
		c.braces = true
		mistake = nil
	} else if mistake != nil { // a string that is not closed yet, or @ alone
		start = mistake.Column
	} else if n := len(tokens); n > 0 && (tokens[n-1].Kind == token.Ident || tokens[n-1].Kind == token.Adverb) && tokens[n-1].End() == len(text) {
		start, c.before = tokens[n-1].Column, tokens[:n-1]
	}
	end := column
	for end <= len(runes) && (runes[end-1] == '_' || runes[end-1] == '.' || ('a' <= runes[end-1] && runes[end-1] <= 'z') || ('A' <= runes[end-1] && runes[end-1] <= 'Z') || ('0' <= runes[end-1] && runes[end-1] <= '9')) {
		end++
	}
	if mistake != nil && start <= len(runes) && (runes[start-1] == '"' || runes[start-1] == '\'') && end <= len(runes) && runes[end-1] == runes[start-1] {
		end++ // the closing quote that the editor has put there
	}
	c.replace = span{d.at(l, start), d.at(l, end)}
	c.offer()
	if c.items == nil {
		return none, nil
	}
	return c.items, nil
}

// add offers one word.
func (c *completion) add(kind int, label, detail, doc string) {
	item := completionItem{Label: label, Kind: kind, Detail: detail, SortText: fmt.Sprintf("%05d", len(c.items)), TextEdit: &textEdit{c.replace, label}}
	if doc != "" {
		item.Documentation = markdown(doc)
	}
	c.items = append(c.items, item)
}

// offer decides by what the line is nested in, and by what stands before the word.
func (c *completion) offer() {
	last := token.Token{}
	if n := len(c.before); n > 0 {
		last = c.before[n-1]
	}
	switch {
	case last.Is("->"):
		c.members()
	case c.braces:
		c.values(nil)
	case len(c.parents) == 0:
		switch {
		case len(c.before) == 0:
			c.add(itemKeyword, "target", "target NAME", lineDocs["target"])
			c.add(itemKeyword, "parameter", "parameter NAME [<- DEFAULT]", lineDocs["parameter"])
		case last.Is("<-"):
			c.values(nil)
		}
	case last.Is("=>"):
	case startsWith(c.parents[0], "target"):
		c.statement(last)
	default:
		c.nested(last)
	}
}

// statement offers verbs, types and values on a line of a target.
func (c *completion) statement(last token.Token) {
	if len(c.before) == 0 {
		for _, verb := range slices.Sorted(slices.Values(c.verbs())) {
			c.add(itemKeyword, verb, parser.Usage(verb), c.d.verbDoc(verb))
		}
		return
	}
	if len(c.before) == 1 {
		can := map[string]func(*schema.Type) bool{
			"ensure": func(t *schema.Type) bool { return t.Ensure },
			"find":   func(t *schema.Type) bool { return t.Find },
			"coin":   func(t *schema.Type) bool { return t.Coin },
		}[last.Text]
		if can != nil {
			for _, t := range c.d.server.Catalog.Types {
				if can(t) {
					c.add(itemClass, t.Name, "", t.Doc)
				}
			}
			return
		}
	}
	c.values(nil)
}

// verbs are those of the grammar that need no entry in the catalog, and those that have one.
func (c *completion) verbs() []string {
	var names []string
	for _, verb := range parser.Verbs() {
		if verbDocs[verb] != "" || named(c.d.server.Catalog.Verbs, verb) != nil {
			names = append(names, verb)
		}
	}
	return names
}

// nested offers what stands in a block below a statement.
func (c *completion) nested(last token.Token) {
	parent := c.parents[0]
	verb := ""
	if len(parent.Tokens) > 0 {
		verb = parent.Tokens[0].Text
	}
	words, values := lines(parent, c.parents)
	props, owner := c.d.properties(c.parents)
	switch {
	case len(c.before) == 0 && words != nil:
		for _, w := range words {
			c.add(itemKeyword, w.word, w.usage, "")
		}
	case len(c.before) == 0 && startsWith(parent, "api.gatewayV2"):
		for _, w := range apiLines {
			c.add(itemKeyword, w.word, w.usage, "")
		}
		fallthrough
	case len(c.before) == 0:
		for _, p := range props {
			if !c.has(p.Name) {
				c.add(itemProperty, p.Name, summary(p), propertyDoc(p, owner))
			}
		}
		if c.d.typeOf(parent) != nil && check.TakesTeardown(verb) && !c.has("@teardown") {
			c.add(itemKeyword, "@teardown", "@teardown delete | preserve", lineDocs["@teardown"])
		}
		if startsWith(c.parents[len(c.parents)-1], "target") && len(c.parents) == 2 && check.TakesLike(verb) && !c.has("@like") {
			c.add(itemKeyword, "@like", "@like VARIABLE", lineDocs["@like"])
		}
	case last.Text == "@teardown":
		c.add(itemValue, "delete", "removed by quotewire destroy", "")
		c.add(itemValue, "preserve", "never removed", "")
	case last.Text == "@like":
		c.alike()
	case last.Text == "@Key":
		c.add(itemValue, "hash", "", "")
		c.add(itemValue, "range", "", "")
	case last.Is("<=") && len(c.before) == 2:
		if p := c.d.property(c.parents, c.before[0].Text); p != nil {
			for _, name := range p.Readers {
				doc := ""
				if t := named(c.d.server.Catalog.Readers, name); t != nil {
					doc = t.Doc
				}
				c.add(itemClass, name, "", doc)
			}
		}
	case len(c.before) == 1 && isFields(parent):
		for _, typ := range []string{"string", "number", "binary", "bool"} {
			c.add(itemValue, typ, "", "")
		}
	case len(c.before) > 1 && c.before[1].Is("<-"):
		c.values(c.d.property(c.parents, c.before[0].Text))
	case startsWith2(c.before, "route") && len(c.before) == 2:
		c.integrations()
	case values:
		c.values(nil)
	}
}

// alike offers the variables of statements above that are of the same verb and type.
func (c *completion) alike() {
	s := c.d.scopeOf(c.line.Number)
	if s == nil {
		return
	}
	for _, node := range s.target.Body {
		statement, ok := node.(*syntax.Statement)
		if ok && statement.Bind.Name != "" && statement.Number < c.parents[0].Number && statement.Verb.Name == c.parents[0].Tokens[0].Text &&
			c.d.typeOf(statement.Line) == c.d.typeOf(c.parents[0]) {
			c.add(itemVariable, statement.Bind.Name, describe(statement), "")
		}
	}
}

// has reports whether the block has a line that begins with that word already.
func (c *completion) has(word string) bool {
	for _, sibling := range c.parents[0].Children {
		if sibling.Number != c.line.Number && startsWith(sibling, word) {
			return true
		}
	}
	return false
}

// line is a word that a block's lines begin with.
type line struct{ word, usage string }

var (
	apiLines    = []line{{"integration", `integration "name"`}, {"route", `route "key" "integration"`}, {"stage", `stage "name"`}, {"authorizer", `authorizer "name"`}}
	roleLines   = []line{{"assume", "who may take the role"}, {"policy", `policy, or policy "ManagedPolicy"`}}
	policyLines = []line{{"allow", "allow ACTION [RESOURCE]"}, {"deny", "deny ACTION [RESOURCE]"}}
	moreLines   = []line{{"action", "action ACTION…"}, {"resource", "resource RESOURCE…"},
		{"principal", `principal "Service" "lambda.amazonaws.com"`}, {"condition", `condition "StringEquals" "aws:SourceArn" VALUE`}}
)

// lines are the words that begin the lines of a block, if it is none of properties, and whether values follow them.
func lines(parent *syntax.Line, parents []*syntax.Line) (words []line, values bool) {
	if len(parent.Tokens) == 0 {
		return nil, false
	}
	switch parent.Tokens[0].Text {
	case "assume", "policy", "lambda.addPermissions":
		return policyLines, true
	case "allow", "deny":
		return moreLines, true
	}
	switch {
	case len(parent.Tokens) > 2 && parent.Tokens[2].Text == "aws.IAM.WithRole":
		return roleLines, true
	case len(parents) > 1 && isFields(parents[1]):
		return []line{{"@Key", "@Key hash | range"}}, false
	}
	return nil, false
}

func isFields(l *syntax.Line) bool {
	return len(l.Tokens) > 2 && l.Tokens[1].Is("<=") && l.Tokens[2].Text == "aws.DynamoFields"
}

func startsWith2(tokens []token.Token, word string) bool {
	return len(tokens) > 0 && tokens[0].Text == word
}

// members offers what -> takes of the variable before it.
func (c *completion) members() {
	if len(c.before) < 2 {
		return
	}
	if t := c.d.variableType(c.line.Number, c.before[len(c.before)-2].Text); t != nil {
		for _, m := range t.Members {
			c.add(itemField, m.Name, string(m.Kind), m.Doc)
		}
	}
}

// variableType is the type of what a variable stands for, or nil.
func (d *document) variableType(line int, name string) *schema.Type {
	if s := d.scopeOf(line); s != nil && s.bound[name] != nil {
		return d.typeOf(s.bound[name].Line)
	}
	return nil
}

// values offers what can be the value of a property, or an argument if that is nil.
func (c *completion) values(p *schema.Property) {
	if p != nil {
		for _, v := range p.Enum {
			c.add(itemValue, `"`+v+`"`, "", "")
		}
		if slices.Contains(p.Kinds, schema.Bool) {
			c.add(itemConstant, "true", "", "")
			c.add(itemConstant, "false", "", "")
			return
		}
	}
	if s := c.d.scopeOf(c.line.Number); s != nil {
		for _, node := range s.target.Body {
			statement, ok := node.(*syntax.Statement)
			if !ok || statement.Bind.Name == "" || statement.Number >= c.line.Number {
				continue
			}
			if p == nil || fits(p, c.d.typeOf(statement.Line)) {
				c.add(itemVariable, statement.Bind.Name, describe(statement), "")
			}
		}
	}
	if p == nil || slices.ContainsFunc(p.Kinds, func(k schema.Kind) bool { return k == schema.String || k == schema.Number || k == schema.List }) {
		c.parameters()
	}
	if p == nil {
		for _, k := range c.d.server.Catalog.Consts {
			c.add(itemConstant, k.Name, k.Value, "")
		}
	}
}

// parameters offers those of the script, and what every run knows of itself.
func (c *completion) parameters() {
	for _, file := range c.d.script {
		for _, p := range file.file.Params {
			c.add(itemVariable, p.Name.Name, "parameter", p.Doc())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(check.RunDocs)) {
		c.add(itemConstant, name, "", check.RunDocs[name])
	}
}

// fits reports whether a variable can help a property: as itself, or by a member.
func fits(p *schema.Property, t *schema.Type) bool {
	return len(p.Objects) == 0 || t == nil || slices.Contains(p.Objects, t.Name)
}

// integrations offers those that a route can lead to.
func (c *completion) integrations() {
	for _, sibling := range c.parents[0].Children {
		if startsWith(sibling, "integration") && len(sibling.Tokens) > 1 {
			c.add(itemValue, sibling.Tokens[1].Text, "", "")
		}
	}
}

// describe is a statement in a few words.
func describe(s *syntax.Statement) string {
	words := []string{s.Verb.Name}
	for _, arg := range s.Args {
		switch arg := arg.(type) {
		case syntax.Name:
			words = append(words, arg.Name)
		case syntax.StringLit:
			words = append(words, fmt.Sprintf("%q", arg.Text))
		case syntax.Template:
			if t, ok := tokenOf(s.Line, arg); ok {
				words = append(words, t.Text)
			}
		}
	}
	text := strings.TrimSpace(strings.Join(words, " "))
	if utf8.RuneCountInString(text) > 80 {
		text = string([]rune(text)[:79]) + "…"
	}
	return text
}
