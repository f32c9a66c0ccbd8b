package parser

import (
	"fmt"
	"strings"

	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// What a property block is part of decides which production its lines are.
const (
	adverbs   = true  // "props": the block of a statement, which may have adverbs
	noAdverbs = false // an entry block of a map
)

// props reads a block of properties. The code is that of the diagnostic for a line that is neither property nor adverb.
func (p *parser) props(lines []*syntax.Line, code string, withAdverbs bool) []syntax.Node {
	if len(lines) > 0 && withAdverbs {
		p.begin("props")
	}
	return p.each(lines, func(line *syntax.Line) syntax.Node { return p.propLine(line, code) })
}

func (p *parser) propLine(line *syntax.Line, code string) syntax.Node {
	t := line.Tokens
	if t[0].Kind == token.Adverb {
		return p.adverb(line)
	}
	if t[0].Kind == token.Ident && len(t) > 1 && (t[1].Is("<-") || t[1].Is("<=")) {
		return p.prop(line)
	}
	at := t[0]
	if t[0].Kind == token.Ident && len(t) > 1 {
		at = t[1]
	}
	hint := "Write: Property <- value, or: Property <= reader, or an adverb such as: @teardown delete"
	if at.Kind == token.Symbol && strings.HasPrefix(at.Text, "<") {
		hint = "Put spaces around operators: " + at.Text + " is read as one. " + hint
	} else if t[0].Is("=>") {
		hint = "A variable is bound at the end of the statement's own line: ensure aws.S3.Bucket \"files\" => files"
		at = t[0]
	} else if code == "E16" {
		at = t[0]
	}
	pos := line.At(at)
	if len(t) == 1 && t[0].Kind == token.Ident && code != "E16" {
		pos.Column = t[0].Column + len([]rune(t[0].Text))
	}
	p.fail(line, pos, code, "neither a property nor an adverb", hint)
	return nil
}

func (p *parser) adverb(line *syntax.Line) syntax.Node {
	p.begin("adverb_line")
	args, ok := p.atoms(line, line.Tokens[1:])
	if !ok {
		return nil
	}
	p.childless(line, line.Tokens[0].Text)
	return &syntax.Adverb{Line: line, Name: p.ident(line, line.Tokens[0]), Args: args}
}

func (p *parser) prop(line *syntax.Line) syntax.Node {
	p.begin("prop")
	t := line.Tokens
	prop := &syntax.Prop{Line: line, Name: p.ident(line, t[0])}
	if t[1].Is("<=") {
		return p.reader(prop)
	}
	if prop.Value = p.whole(line, t[2:]); prop.Value == nil {
		return nil
	}
	prop.Body = p.content(line, prop.Value)
	return prop
}

// content reads the block under a value: the items of [] or the entries of {}; any other value has none.
func (p *parser) content(line *syntax.Line, value syntax.Expr) []syntax.Node {
	switch v := value.(type) {
	case syntax.ListLit:
		if len(v.Items) == 0 {
			return p.each(line.Children, p.item)
		}
	case syntax.MapLit:
		if len(v.Entries) == 0 {
			return p.props(line.Children, "E39", noAdverbs)
		}
	}
	p.childless(line, "a value")
	return nil
}

func (p *parser) item(line *syntax.Line) syntax.Node {
	p.begin("item")
	value := p.whole(line, line.Tokens)
	if value == nil {
		return nil
	}
	return &syntax.Item{Line: line, Value: value, Body: p.content(line, value)}
}

// reader reads the right side of <= and the block below it.
func (p *parser) reader(prop *syntax.Prop) syntax.Node {
	p.begin("reader")
	line, t := prop.Line, prop.Tokens
	if len(t) == 2 || t[2].Kind != token.Ident {
		at := line.At(t[1])
		if len(t) > 2 {
			at = line.At(t[2])
		}
		p.fail(line, at, "E15", "the name of a compound value follows <=", "Write: "+prop.Name.Name+" <= aws.S3.Location, or the like. A plain value follows <-.")
		return nil
	}
	prop.Reader = p.ident(line, t[2])
	ok := true
	switch prop.Reader.Name {
	case "aws.IAM.WithRole":
		if len(t) > 3 {
			var name syntax.Expr
			if name = p.whole(line, t[3:]); name == nil {
				return nil
			}
			prop.Args = []syntax.Expr{name}
		}
		prop.Body = p.role(line.Children)
		return prop
	case "aws.DynamoFields":
		prop.Body = p.each(line.Children, p.field)
	default:
		prop.Body = p.props(line.Children, "E16", adverbs)
	}
	prop.Args, ok = p.atoms(line, t[3:])
	if !ok {
		return nil
	}
	return prop
}

func (p *parser) role(lines []*syntax.Line) []syntax.Node {
	if len(lines) > 0 {
		p.begin("role_body")
	}
	return p.each(lines, func(line *syntax.Line) syntax.Node {
		c := p.command(line)
		switch t := line.Tokens[1:]; c.Word.Name {
		case "assume":
			if len(t) > 0 {
				p.fail(line, line.Pos(), "E44", "assume takes no arguments", "Write assume on a line of its own, and the statements that say who may take the role below it.")
				return nil
			}
			c.Body = p.policy(line.Children)
		case "policy":
			if len(t) == 0 {
				c.Body = p.policy(line.Children)
				return c
			}
			name := p.whole(line, t)
			if name == nil {
				return nil
			}
			c.Args = []syntax.Expr{name}
			p.childless(line, "a managed policy")
		default:
			p.fail(line, line.Pos(), "E16", "neither assume nor policy", `A role has one assume block, policy blocks, and lines such as: policy "AmazonSQSReadOnlyAccess"`)
			return nil
		}
		return c
	})
}

// command starts the node of a line that begins with a word. The word is empty if it does not.
func (p *parser) command(line *syntax.Line) *syntax.Command {
	c := &syntax.Command{Line: line}
	if line.Tokens[0].Kind == token.Ident {
		c.Word = p.ident(line, line.Tokens[0])
	}
	return c
}

// effects and modifiers are the lines of a policy, and those below them.
var (
	effects = map[string]form{
		"allow": {usage: `allow ACTION [RESOURCE]`, min: 1, max: 2},
		"deny":  {usage: `deny ACTION [RESOURCE]`, min: 1, max: 2},
	}
	modifiers = map[string]form{
		"action":    {usage: `action ACTION…`, min: 1, max: -1},
		"resource":  {usage: `resource RESOURCE…`, min: 1, max: -1},
		"principal": {usage: `principal "Service" "lambda.amazonaws.com"`, min: 2, max: 2},
		"condition": {usage: `condition "StringEquals" "aws:SourceArn" VALUE`, min: 3, max: 3},
	}
)

func (p *parser) policy(lines []*syntax.Line) []syntax.Node {
	if len(lines) > 0 {
		p.begin("policy_body")
	}
	return p.each(lines, func(line *syntax.Line) syntax.Node {
		c := p.formed(line, effects, "allow nor deny", `A policy has lines such as: allow "s3:GetObject" "arn:aws:s3:::prices/*"`)
		if c == nil {
			return nil
		}
		c.Body = p.each(line.Children, p.modifier)
		return c
	})
}

func (p *parser) modifier(line *syntax.Line) syntax.Node {
	p.begin("modifier")
	c := p.formed(line, modifiers, "action, resource, principal nor condition", `Under allow and deny stand lines such as: principal "Service" "lambda.amazonaws.com"`)
	if c == nil {
		return nil
	}
	p.childless(line, c.Word.Name)
	return c
}

// formed reads a line whose first word is one of a few, each with its number of arguments.
func (p *parser) formed(line *syntax.Line, forms map[string]form, neither, hint string) *syntax.Command {
	c := p.command(line)
	form, ok := forms[c.Word.Name]
	if !ok {
		p.fail(line, line.Pos(), "E16", "neither "+neither, hint)
		return nil
	}
	if c.Args, ok = p.atoms(line, line.Tokens[1:]); !ok {
		return nil
	}
	if n := len(c.Args); n < form.min || form.max >= 0 && n > form.max {
		p.fail(line, c.Word.Pos, "E17", count(c.Word.Name, form, n), "Write: "+form.usage)
		return nil
	}
	return c
}

// parts are the lines of an API.
var parts = map[string]form{
	"integration": {usage: `integration "name"`, min: 1, max: 1},
	"authorizer":  {usage: `authorizer "name"`, min: 1, max: 1},
	"route":       {usage: `route "key" "integration"`, min: 2, max: 2},
	"stage":       {usage: `stage "name"`, min: 1, max: 1},
}

func (p *parser) api(lines []*syntax.Line) []syntax.Node {
	if len(lines) > 0 {
		p.begin("api_body")
	}
	return p.each(lines, func(line *syntax.Line) syntax.Node {
		t := line.Tokens
		form, isPart := parts[t[0].Text]
		if !isPart || len(t) > 1 && t[1].Kind == token.Symbol {
			if t[0].Kind == token.Adverb || len(t) > 1 && t[1].Kind == token.Symbol {
				return p.propLine(line, "E39")
			}
			p.fail(line, line.Pos(), "E16", "neither integration, authorizer, route nor stage, nor a property nor an adverb", `An API has lines such as: route "$default" "watch"`)
			return nil
		}
		c := p.formed(line, parts, "", "")
		if c == nil {
			return nil
		}
		for _, arg := range c.Args {
			if !isText(arg) {
				p.fail(line, c.Word.Pos, "E17", fmt.Sprintf("the arguments of %s stand in quotes", c.Word.Name), "Write: "+form.usage)
				return nil
			}
		}
		c.Body = p.props(line.Children, "E39", adverbs)
		return c
	})
}

// field reads a line of aws.DynamoFields.
func (p *parser) field(line *syntax.Line) syntax.Node {
	p.begin("field")
	t := line.Tokens
	for i := range min(len(t), 3) {
		if i == 2 || t[i].Kind != token.Ident {
			p.fail(line, line.At(t[i]), "E19", "a field is a name and a type", "Write: Ticker string")
			return nil
		}
	}
	if len(t) == 1 {
		p.fail(line, line.Pos(), "E19", "the field has no type", "Write: "+t[0].Text+" string")
		return nil
	}
	f := &syntax.Field{Line: line, Name: p.ident(line, t[0]), Type: p.ident(line, t[1])}
	f.Body = p.each(line.Children, func(line *syntax.Line) syntax.Node {
		if line.Tokens[0].Text != "@Key" {
			p.fail(line, line.Pos(), "E20", "only @Key stands under a field", "Write: @Key hash, or: @Key range")
			return nil
		}
		return p.adverb(line)
	})
	return f
}
