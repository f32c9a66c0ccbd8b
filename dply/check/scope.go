package check

import (
	"fmt"
	"slices"

	"quotewire/dply/schema"
	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// scope has the variables of one target. Targets share none.
type scope struct {
	vars  map[string]variable
	later map[string]token.Position    // all variables of the target, also those of statements further down
	bound map[string]*syntax.Statement // the statements of the variables, for @like
}

// variable is a name with its value; nil if the statement that binds it has a mistake, which is not to be reported again
// wherever the name is used.
type variable struct {
	value Value
	pos   token.Position
}

func newScope(t *syntax.Target) scope {
	s := scope{vars: make(map[string]variable), later: make(map[string]token.Position), bound: make(map[string]*syntax.Statement)}
	for _, node := range t.Body {
		if node, ok := node.(*syntax.Statement); ok && node.Bind.Name != "" {
			s.later[node.Bind.Name] = node.Bind.Pos
		}
	}
	return s
}

// bind makes a variable, visible from the next statement on.
func (c *checker) bind(id syntax.Ident, value Value) {
	if id.Name == "" {
		return
	}
	if c.reserved(id.Name) {
		c.report(id.Pos, "E28", id.Name+" has a fixed meaning", "Choose another name for the variable.")
		return
	}
	if first, twice := c.vars[id.Name]; twice {
		c.report(id.Pos, "E28", fmt.Sprintf("%s is already bound", id.Name), fmt.Sprintf("It was bound at %s. Choose another name: a variable means one thing in its target.", first.pos))
		return
	}
	if param, twice := c.params[id.Name]; twice {
		c.report(id.Pos, "E28", fmt.Sprintf("%s is a parameter", id.Name), fmt.Sprintf("It is declared at %s. Choose another name for the variable.", param.pos))
		return
	}
	c.vars[id.Name] = variable{value, id.Pos}
}

// name is the value of a variable or a constant. A nil value is one that has a mistake.
func (c *checker) name(id syntax.Ident) Value {
	if v, ok := c.vars[id.Name]; ok {
		if !c.takes(size(v.value), id.Pos) {
			return nil
		}
		return moved(v.value, id.Pos)
	}
	if v, ok := c.params[id.Name]; ok {
		return moved(v.value, id.Pos)
	}
	if v, ok := c.constant(id); ok {
		return v
	}
	hint := ""
	if pos, ok := c.later[id.Name]; ok {
		hint = fmt.Sprintf("It is defined later, at %s. A variable is known only below the statement that binds it: move that one up.", pos)
	} else if hint = c.didYouMean(id.Name, c.known()); hint == "" {
		hint = "Text goes in quotes. A variable is bound with => by a statement above, in the same target."
	}
	c.report(id.Pos, "E29", fmt.Sprintf("%s is not defined", id.Name), hint)
	return nil
}

// known are the names that can be used at this point.
func (c *checker) known() []string {
	if c.guesses >= maxGuesses {
		return nil
	}
	names := slices.Concat(keys(c.vars), keys(c.params), keys(c.consts))
	for service, list := range actions {
		for _, action := range list {
			names = append(names, actionPrefix+service+"."+action)
		}
	}
	return append(names, "true", "false", apis, region, account)
}

// size is how many items a value has that is no single one.
func size(v Value) int {
	switch v := v.(type) {
	case List:
		return len(v.Items)
	case Map:
		return len(v.Entries)
	case Joined:
		return len(v.Parts)
	}
	return 0
}

// moved is a value as it is used at another place.
func moved(v Value, at token.Position) Value {
	switch v := v.(type) {
	case String:
		v.Pos = at
		return v
	case Number:
		v.Pos = at
		return v
	case Duration:
		v.Pos = at
		return v
	case List:
		v.Pos = at
		return v
	case Map:
		v.Pos = at
		return v
	case Reference:
		v.Pos = at
		return v
	case Joined:
		v.Pos = at
		return v
	}
	return v
}

// member finds what -> offers on an object.
func member(t *schema.Type, name string) (schema.Member, bool) {
	for _, m := range t.Members {
		if m.Name == name {
			return m, true
		}
	}
	return schema.Member{}, false
}
