package check

import (
	"fmt"
	"time"

	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// eval calculates an expression as far as the script alone determines it. It returns nil after a mistake.
func (c *checker) eval(x syntax.Expr) Value {
	switch x := x.(type) {
	case syntax.StringLit:
		c.braces(x)
		return String{x.At, x.Text}
	case syntax.Template:
		return c.template(x)
	case syntax.NumberLit:
		return Number{x.At, x.Value}
	case syntax.Name:
		return c.name(x.Ident)
	case syntax.Paren:
		return moved(c.eval(x.X), x.At)
	case syntax.Member:
		return c.member(x)
	case syntax.Arith:
		return c.arith(x)
	case syntax.Sum:
		sum := 0.0
		for _, arg := range x.Args {
			n, ok := c.number(arg)
			if !ok {
				return nil
			}
			sum += n
		}
		return Number{x.At, sum}
	case syntax.Hours:
		n, ok := c.number(x.X)
		if !ok {
			return nil
		}
		hours := n * float64(time.Hour)
		if hours != hours || hours > 1<<62 || hours < -1<<62 {
			c.report(x.Pos(), "E46", "so many hours are no duration", "")
			return nil
		}
		return Duration{x.Pos(), time.Duration(hours)}
	case syntax.ListLit:
		items, ok := make([]Value, 0, len(x.Items)), true
		for _, item := range x.Items {
			v := c.eval(item)
			ok = ok && v != nil
			items = append(items, v)
		}
		return orNil(List{x.At, items}, ok)
	case syntax.MapLit:
		m, ok := Map{Pos: x.At}, true
		seen := make(map[string]token.Position)
		for _, e := range x.Entries {
			if first, twice := seen[e.Name.Name]; twice {
				c.twice(e.Name, "E37", first)
				ok = false
				continue
			}
			seen[e.Name.Name] = e.Name.Pos
			v := c.eval(e.Value)
			ok = ok && v != nil
			m.Entries = append(m.Entries, Prop{e.Name.Name, e.Name.Pos, v})
		}
		return orNil(m, ok)
	}
	panic(fmt.Sprintf("check: unknown expression %T", x))
}

func orNil(v Value, ok bool) Value {
	if !ok {
		return nil
	}
	return v
}

// member evaluates object->name. What a member offers is never an object again.
func (c *checker) member(x syntax.Member) Value {
	v := c.eval(x.X)
	if v == nil {
		return nil
	}
	name := x.Names[0]
	object, ok := v.(Reference)
	if !ok || object.Member != "" || object.Statement.Type == nil {
		c.report(name.Pos, "E54", fmt.Sprintf("%s has no members", kindOf(v)), "Only a variable that stands for a resource has members.")
		return nil
	}
	t := object.Statement.Type
	if _, ok := member(t, name.Name); !ok {
		var offered []string
		for _, m := range t.Members {
			offered = append(offered, m.Name)
		}
		hint := t.Name + " offers no members: use the variable by itself."
		if offered != nil {
			hint = c.didYouMean(name.Name, offered) + t.Name + " offers " + and(offered) + "."
		}
		c.report(name.Pos, "E54", fmt.Sprintf("no member %s on %s", name.Name, t.Name), hint)
		return nil
	}
	if len(x.Names) > 1 {
		c.report(x.Names[1].Pos, "E54", fmt.Sprintf("%s->%s has no members", t.Name, name.Name), "Take one member of one variable.")
		return nil
	}
	object.Pos, object.Member = x.Pos(), name.Name
	return object
}

func (c *checker) arith(x syntax.Arith) Value {
	n, ok := c.number(x.X)
	for _, step := range x.Steps {
		y, isNumber := c.number(step.Y)
		if !isNumber || !ok {
			ok = false
			continue
		}
		switch step.Op.Name {
		case "+":
			n += y
		case "-":
			n -= y
		case "*":
			n *= y
		case "/":
			if y == 0 {
				c.report(step.Y.Pos(), "E46", "a number cannot be divided by zero", "")
				ok = false
				continue
			}
			n /= y
		}
	}
	return orNil(Number{x.Pos(), n}, ok)
}

// number evaluates what has to be a number that is known now.
func (c *checker) number(x syntax.Expr) (float64, bool) {
	switch v := c.eval(x).(type) {
	case nil:
	case Number:
		return v.Value, true
	default:
		c.report(x.Pos(), "E46", "only numbers can be calculated with, and this is "+kindOf(v), "Text is joined in backquotes: `{name} and so on`.")
	}
	return 0, false
}

// text evaluates what has to be a string that is known now. The code is reported if it is not.
func (c *checker) text(x syntax.Expr, what string) (string, bool) {
	switch v := c.eval(x).(type) {
	case nil:
	case String:
		return v.Text, true
	default:
		c.report(x.Pos(), "E46", fmt.Sprintf("%s is a string that the script itself gives, not %s", what, kindOf(v)), "Write it in quotes.")
	}
	return "", false
}
