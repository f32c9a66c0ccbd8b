package vtl

import (
	"errors"
	"fmt"
)

// node is a piece of a template; expression is a piece that has a value.
type node interface{ run(*run) error }
type expression interface{ value(*run) (any, error) }

// position is an offset in the template.
type position int

// mistake is an error at a place.
type mistake struct {
	position
	text string
}

func (m *mistake) Error() string { return m.text }

func (p position) errorf(format string, args ...any) error {
	return &mistake{p, fmt.Sprintf(format, args...)}
}

// at gives an error of a method the place of its call.
func (p position) at(err error) error {
	var placed *mistake
	if err == nil || errors.As(err, &placed) || errors.Is(err, errStop) {
		return err
	}
	return p.errorf("%v", err)
}

var (
	errStop  = errors.New("#stop")
	errBreak = errors.New("#break outside of #foreach")

	errTooLong = fmt.Errorf("the template runs for more than %d steps", maxSteps)
	errTooMuch = fmt.Errorf("the template prints more than %d bytes", maxOutput)
	errTooBig  = fmt.Errorf("the template builds strings of more than %d bytes", maxBytes)
	errTooDeep = fmt.Errorf("a value is nested more than %d deep", maxDepth)
)

// run is one execution.
type run struct {
	given, set map[string]any
	out        []byte
	steps      int // left
	bytes      int // left
}

// spend takes one step, and n bytes of strings.
func (r *run) spend(n int) error {
	if r.steps--; r.steps < 0 {
		return errTooLong
	}
	if r.bytes -= n; r.bytes < 0 {
		return errTooBig
	}
	return nil
}

func (r *run) print(s string) error {
	if len(r.out)+len(s) > maxOutput {
		return errTooMuch
	}
	r.out = append(r.out, s...)
	return nil
}

func (r *run) nodes(nodes []node) error {
	for _, n := range nodes {
		if err := r.spend(0); err != nil {
			return err
		}
		if err := n.run(r); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) variable(name string) (v any, ok bool) {
	if v, ok = r.set[name]; !ok {
		v, ok = r.given[name]
	}
	return v, ok
}

type textNode string

func (n textNode) run(r *run) error { return r.print(string(n)) }

type jump struct{ stop bool }

func (j jump) run(*run) error {
	if j.stop {
		return errStop
	}
	return errBreak
}

// reference is a variable with what is taken of it.
type reference struct {
	position
	name    string
	steps   []step
	quiet   bool
	slashes int // backslashes before it, in text
	source  string
}

// step is one .name, .name(args) or [index].
type step struct {
	name  string
	call  bool
	args  []expression
	index expression
}

// calls reports whether the reference cannot be assigned to.
func (n *reference) calls() bool {
	for _, s := range n.steps {
		if s.call {
			return true
		}
	}
	return false
}

// run prints the reference. One of a variable that is not there prints itself, unless it is quiet. Of the backslashes
// before it, each pair is one backslash, and an odd one takes its meaning away.
func (n *reference) run(r *run) error {
	_, ok := r.variable(n.name)
	for range n.slashes / 2 {
		if err := r.print(`\`); err != nil {
			return err
		}
	}
	if n.slashes%2 == 1 {
		if !ok {
			return r.print(`\` + n.source)
		}
		return r.print(n.source)
	}
	v, err := n.value(r)
	if err != nil {
		return err
	}
	if v == nil {
		if n.quiet || ok {
			return nil
		}
		return r.print(n.source)
	}
	text, err := r.text(v)
	if err != nil {
		return n.at(err)
	}
	return r.print(text)
}

func (n *reference) value(r *run) (any, error) {
	v, _ := r.variable(n.name)
	return n.follow(r, v, n.steps)
}

func (n *reference) follow(r *run, v any, steps []step) (any, error) {
	for i := range steps {
		if err := r.spend(0); err != nil {
			return nil, n.at(err)
		}
		if v == nil { // as Velocity does: nothing of nothing is nothing
			return nil, nil
		}
		s, err := &steps[i], error(nil)
		switch {
		case s.index != nil:
			var index any
			if index, err = s.index.value(r); err == nil {
				v, err = element(v, index)
			}
		case s.call:
			args := make([]any, len(s.args))
			for i, a := range s.args {
				if args[i], err = a.value(r); err != nil {
					return nil, err
				}
			}
			v, err = r.call(v, s.name, args)
		default:
			v, err = property(v, s.name)
		}
		if err != nil {
			return nil, n.at(err)
		}
	}
	return v, nil
}

type setNode struct {
	target *reference
	to     expression
}

func (n *setNode) run(r *run) error {
	v, err := n.to.value(r)
	if err != nil {
		return err
	}
	steps := n.target.steps
	if len(steps) == 0 {
		r.set[n.target.name] = v
		return nil
	}
	last := &steps[len(steps)-1]
	owner, _ := r.variable(n.target.name)
	if owner, err = n.target.follow(r, owner, steps[:len(steps)-1]); err != nil {
		return err
	}
	key := any(last.name)
	if last.index != nil {
		if key, err = last.index.value(r); err != nil {
			return err
		}
	}
	switch owner := owner.(type) {
	case *Map:
		text, err := r.text(key)
		if err != nil {
			return n.target.at(err)
		}
		owner.Put(text, v)
		return nil
	case *List:
		if i, ok := key.(int64); ok && i >= 0 && i < int64(len(owner.Elements)) {
			owner.Elements[i] = v
			return nil
		}
	}
	return n.target.errorf("%s cannot be set", n.target.source)
}

type branch struct {
	condition expression
	body      []node
}

type ifNode struct {
	branches  []branch
	otherwise []node
}

func (n *ifNode) run(r *run) error {
	for _, b := range n.branches {
		v, err := b.condition.value(r)
		if err != nil {
			return err
		}
		if truth(v) {
			return r.nodes(b.body)
		}
	}
	return r.nodes(n.otherwise)
}

type loopNode struct {
	variable string
	over     expression
	body     []node
	position
}

func (n *loopNode) run(r *run) error {
	v, err := n.over.value(r)
	if err != nil {
		return err
	}
	var elements []any
	switch v := v.(type) {
	case nil:
	case *List:
		elements = append(elements, v.Elements...)
	case *Map:
		for _, k := range v.Keys() {
			elements = append(elements, v.Get(k))
		}
	default:
		return n.errorf("#foreach goes over lists and maps, and this is %s", kind(v))
	}
	if len(elements) > maxIterations {
		return n.errorf("#foreach goes over %d elements, and may go over %d", len(elements), maxIterations)
	}
	saved := map[string]any{}
	for _, name := range []string{n.variable, "foreach", "velocityCount"} {
		if v, ok := r.set[name]; ok {
			saved[name] = v
		}
		defer func() {
			if v, ok := saved[name]; ok {
				r.set[name] = v
			} else {
				delete(r.set, name)
			}
		}()
	}
	parent := r.set["foreach"]
	for i, e := range elements {
		state := NewMap()
		state.Put("index", int64(i))
		state.Put("count", int64(i+1))
		state.Put("hasNext", i+1 < len(elements))
		state.Put("first", i == 0)
		state.Put("last", i+1 == len(elements))
		state.Put("parent", parent)
		r.set[n.variable], r.set["foreach"], r.set["velocityCount"] = e, state, int64(i+1)
		if err := r.nodes(n.body); err == errBreak {
			break
		} else if err != nil {
			return err
		}
	}
	return nil
}

type literal struct{ v any }

func (n literal) value(*run) (any, error) { return n.v, nil }

// interpolated is a text in double quotes with references in it.
type interpolated []node

func (n interpolated) value(r *run) (any, error) {
	before := r.out
	r.out = nil
	err := r.nodes(n)
	text := string(r.out)
	r.out = before
	if err != nil {
		return nil, err
	}
	return text, r.spend(len(text))
}

type notNode struct{ x expression }

func (n notNode) value(r *run) (any, error) {
	v, err := n.x.value(r)
	return !truth(v), err
}

type listNode struct {
	elements []expression
	isRange  bool
	position
}

func (n *listNode) value(r *run) (any, error) {
	list := &List{}
	for _, x := range n.elements {
		v, err := x.value(r)
		if err != nil {
			return nil, err
		}
		list.Elements = append(list.Elements, v)
	}
	if !n.isRange {
		return list, n.at(r.spend(len(list.Elements)))
	}
	from, ok1 := list.Elements[0].(int64)
	to, ok2 := list.Elements[1].(int64)
	if !ok1 || !ok2 {
		return nil, n.errorf("a range goes from one integer to another")
	}
	step := int64(1)
	if to < from {
		step = -1
	}
	if d := uint64((to - from) * step); d >= maxIterations {
		return nil, n.errorf("a range may have %d elements", maxIterations)
	}
	list.Elements = nil
	for i := from; ; i += step {
		list.Elements = append(list.Elements, i)
		if i == to {
			return list, n.at(r.spend(len(list.Elements)))
		}
	}
}

type mapNode struct{ keys, values []expression }

func (n *mapNode) value(r *run) (any, error) {
	m := NewMap()
	for i := range n.keys {
		k, err := n.keys[i].value(r)
		if err != nil {
			return nil, err
		}
		v, err := n.values[i].value(r)
		if err != nil {
			return nil, err
		}
		key, err := r.text(k)
		if err != nil {
			return nil, err
		}
		m.Put(key, v)
	}
	return m, r.spend(len(n.keys))
}

type binaryNode struct {
	op          string
	left, right expression
	position
}

func (n *binaryNode) value(r *run) (any, error) {
	if err := r.spend(0); err != nil {
		return nil, n.at(err)
	}
	a, err := n.left.value(r)
	if err != nil {
		return nil, err
	}
	switch {
	case n.op == "&&" && !truth(a):
		return false, nil
	case n.op == "||" && truth(a):
		return true, nil
	}
	b, err := n.right.value(r)
	if err != nil {
		return nil, err
	}
	switch n.op {
	case "&&", "||":
		return truth(b), nil
	case "==":
		return equal(a, b), nil
	case "!=":
		return !equal(a, b), nil
	case "<", "<=", ">", ">=":
		c, ok := compare(a, b)
		if !ok {
			return nil, n.errorf("%s and %s cannot be compared with %s", kind(a), kind(b), n.op)
		}
		return n.op == "<" && c < 0 || n.op == "<=" && c <= 0 || n.op == ">" && c > 0 || n.op == ">=" && c >= 0, nil
	}
	v, err := r.arithmetic(n.op, a, b)
	return v, n.at(err)
}
