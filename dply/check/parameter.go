package check

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"quotewire/dply/syntax"
)

// ParameterPrefix begins the names of the environment variables that give parameters their values: DPLY_stage is for stage.
const ParameterPrefix = "DPLY_"

// maxTemplate bounds the text that a template makes, so that no script makes more than it is long: an ARN and the whole
// environment of a function are shorter.
const maxTemplate = 4096

// parameter checks the line of a parameter and gives it its value: what the run was told, or else the environment, or else
// its default. The default tells its kind, and can use the parameters above it.
func (c *checker) parameter(n *syntax.Param) {
	name := n.Name
	if c.reserved(name.Name) {
		c.report(name.Pos, "E28", name.Name+" has a fixed meaning", "Choose another name for the parameter.")
		return
	}
	if first, twice := c.params[name.Name]; twice {
		c.report(name.Pos, "E28", fmt.Sprintf("the parameter %s is declared twice", name.Name), fmt.Sprintf("The first is at %s.", first.pos))
		return
	}
	c.params[name.Name] = variable{nil, name.Pos}
	var value Value
	if n.Default != nil {
		mark := len(c.list)
		switch value = c.eval(n.Default); value.(type) {
		case String, Number:
		default:
			if !c.broken(mark) {
				c.report(n.Default.Pos(), "E46", "a parameter is a string or a number, and its default is neither", "Write a string, a number, true or false.")
			}
			return
		}
	}
	p := Parameter{Name: name.Name, From: "default", Pos: name.Pos}
	if text, from, ok := c.given(name.Name); ok {
		p.From = from
		if _, number := value.(Number); number {
			value = c.numeral(n, text, value)
		} else {
			value = String{name.Pos, text}
		}
	}
	switch v := value.(type) {
	case String:
		p.Value = v.Text
	case Number:
		p.Value = strconv.FormatFloat(v.Value, 'f', -1, 64)
	default:
		c.missing(n)
		value = String{name.Pos, "{" + name.Name + "}"}
	}
	c.params[name.Name] = variable{value, name.Pos}
	c.program.Parameters = append(c.program.Parameters, p)
}

// given is the value that a run gives a parameter, and where it comes from.
func (c *checker) given(name string) (text, from string, ok bool) {
	if c.config.Set == nil {
		return "", "", false
	}
	if text, ok = c.config.Set[name]; ok {
		return text, "--set", true
	}
	if c.config.Env != nil {
		text, ok = c.config.Env(ParameterPrefix + name)
	}
	return text, "environment", ok
}

// numeral reads the value of a parameter whose default is a number. After a mistake the default goes on for it.
func (c *checker) numeral(n *syntax.Param, text string, byDefault Value) Value {
	switch text {
	case "true":
		return Number{n.Name.Pos, 1}
	case "false":
		return Number{n.Name.Pos, 0}
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || x-x != 0 {
		c.report(n.Name.Pos, "E67", fmt.Sprintf("the parameter %s is a number, and %q is none", n.Name.Name, text), "Its default says what it is: a number, or true or false.")
		return byDefault
	}
	return Number{n.Name.Pos, x}
}

// missing reports a parameter without a value, in the words of the script.
func (c *checker) missing(n *syntax.Param) {
	if c.config.Set == nil {
		return
	}
	hint := fmt.Sprintf("Give it one: --set %s=VALUE, or %s%[1]s=VALUE in the environment.", n.Name.Name, ParameterPrefix)
	if doc := n.Doc(); doc != "" {
		hint = doc + "\n" + hint
	}
	c.report(n.Name.Pos, "E66", fmt.Sprintf("the parameter %s has no value", n.Name.Name), hint)
}

// unknownSet reports the values that were given to parameters which the script does not have. They are no places in it.
func (c *checker) unknownSet() {
	for _, name := range keys(c.config.Set) {
		if _, ok := c.params[name]; ok {
			continue
		}
		hint := "The script has no parameters."
		if known := keys(c.params); len(known) > 0 {
			hint = c.didYouMean(name, known) + "It has " + and(known) + "."
		}
		c.file = nil
		c.report(syntax.Ident{}.Pos, "E68", "no parameter named "+strconv.Quote(name), hint)
	}
}

// template joins the parts of a template: into a text if all of it is known now.
func (c *checker) template(x syntax.Template) Value {
	var parts []Value
	size, ok := 0, true
	add := func(v Value) {
		text, isText := v.(String)
		if !isText {
			parts = append(parts, v)
			return
		}
		size += len(text.Text)
		if n := len(parts); n > 0 {
			if last, isText := parts[n-1].(String); isText {
				text.Text = last.Text + text.Text
				parts = parts[:n-1]
			}
		}
		parts = append(parts, text)
	}
	for _, part := range x.Parts {
		if text, isText := part.(syntax.StringLit); isText {
			add(String{text.At, text.Text})
			continue
		}
		v := c.eval(part)
		if v == nil {
			ok = false
			continue
		}
		switch v := v.(type) {
		case String:
			add(v)
		case Joined:
			for _, part := range v.Parts {
				add(part)
			}
		case Number:
			add(String{v.Pos, strconv.FormatFloat(v.Value, 'f', -1, 64)})
		default:
			if text := c.textOf(v); text != nil {
				add(text)
			} else {
				ok = false
			}
		}
		if size+len(parts) > maxTemplate {
			c.report(x.At, "E46", fmt.Sprintf("this makes more than %d characters", maxTemplate), "Nothing that AWS takes in one value is as long.")
			return nil
		}
	}
	switch {
	case !ok:
		return nil
	case len(parts) == 0:
		return String{x.At, ""}
	case len(parts) == 1:
		return moved(parts[0], x.At)
	}
	return Joined{x.At, slices.Clip(parts)}
}

// inBraces finds what looks like the names of a template.
var inBraces = regexp.MustCompile(`\{([\pL_.][\pL\p{Nd}_.]*)\}`)

// braces warns of a parameter in braces in a string, where it is no more than its letters.
func (c *checker) braces(x syntax.StringLit) {
	if !strings.Contains(x.Text, "{") {
		return
	}
	for _, m := range inBraces.FindAllStringSubmatch(x.Text, -1) {
		if _, ok := c.params[m[1]]; ok || m[1] == region || m[1] == account {
			c.report(x.At, "W04", m[0]+" is text here, and not the value of "+m[1], "Names in braces mean something in backquotes only: `…"+m[0]+"…`.")
			return
		}
	}
}

// textOf is the text that a reference stands for, or nil after a mistake.
func (c *checker) textOf(v Value) Value {
	ref, ok := v.(Reference)
	if ok && ref.Member == "" && ref.Statement.Type != nil {
		ref.Member = ref.Statement.Type.Self
	}
	if !ok || ref.Member == "" || memberKind(ref) != "string" {
		c.report(v.Position(), "E46", "only strings and numbers can be joined, and this is "+kindOf(v), "Take a member that is a string: {variable->member}.")
		return nil
	}
	return ref
}
