package vtl

import (
	"strconv"
	"strings"
)

// reference reads $name, ${name}, $!name with what follows it. It returns nil, and has moved anywhere, if there is none.
func (p *parser) reference() (*reference, error) {
	at := p.at
	if !p.take("$") {
		return nil, nil
	}
	r := &reference{position: p.position(at)}
	r.quiet = p.take("!")
	braced := p.take("{")
	n := nameLength(p.text[p.at:])
	if n == 0 {
		return nil, nil
	}
	r.name = p.text[p.at : p.at+n]
	p.at += n
	for {
		before := p.at
		s, err := p.step()
		if err != nil {
			return nil, err
		}
		if s == nil {
			p.at = before
			break
		}
		r.steps = append(r.steps, *s)
	}
	if braced && !p.take("}") {
		return nil, nil
	}
	r.source = p.text[at:p.at]
	return r, nil
}

// step reads .name, .name(…) or […] after a reference; nil if there is none.
func (p *parser) step() (*step, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	if p.take("[") {
		index, err := p.expression()
		if err != nil || p.closing("]") != nil {
			return nil, nil // text that begins with a bracket
		}
		return &step{index: index}, nil
	}
	if !p.take(".") {
		return nil, nil
	}
	n := nameLength(p.text[p.at:])
	if n == 0 {
		return nil, nil
	}
	s := &step{name: p.text[p.at : p.at+n]}
	p.at += n
	if !p.take("(") {
		return s, nil
	}
	s.call = true
	p.space()
	if p.take(")") {
		return s, nil
	}
	for {
		arg, err := p.expression()
		if err != nil {
			return nil, err
		}
		s.args = append(s.args, arg)
		p.space()
		if p.take(",") {
			continue
		}
		return s, p.closing(")")
	}
}

// operators by how tightly they bind, the loosest first, with the words that mean the same.
var operators = [][][2]string{
	{{"||", "or"}},
	{{"&&", "and"}},
	{{"==", "eq"}, {"!=", "ne"}},
	{{"<=", "le"}, {">=", "ge"}, {"<", "lt"}, {">", "gt"}},
	{{"+", ""}, {"-", ""}},
	{{"*", ""}, {"/", ""}, {"%", ""}},
}

func (p *parser) expression() (expression, error) { return p.binary(0) }

func (p *parser) binary(level int) (expression, error) {
	if level == len(operators) {
		return p.unary()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	left, err := p.binary(level + 1)
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		p.space()
		at := p.at
		op := p.operator(level)
		if op == "" {
			return left, nil
		}
		if n > maxDepth { // the tree leans to the left, and is walked by recursion
			return nil, p.errorf(at, "the expression has more than %d operators in a row", maxDepth)
		}
		right, err := p.binary(level + 1)
		if err != nil {
			return nil, err
		}
		left = &binaryNode{op, left, right, p.position(at)}
	}
}

func (p *parser) operator(level int) string {
	for _, op := range operators[level] {
		if p.take(op[0]) || op[1] != "" && p.word(op[1]) {
			return op[0]
		}
	}
	return ""
}

func (p *parser) unary() (expression, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	p.space()
	if !strings.HasPrefix(p.text[p.at:], "!=") && p.take("!") || p.word("not") {
		x, err := p.unary()
		return notNode{x}, err
	}
	return p.primary()
}

func (p *parser) primary() (expression, error) {
	at := p.at
	if at == len(p.text) {
		return nil, p.errorf(at, "the template ends within an expression")
	}
	switch c := p.text[at]; {
	case c == '$':
		r, err := p.reference()
		if err == nil && r == nil {
			err = p.errorf(at, "a name must follow $")
		}
		return r, err
	case c == '(':
		p.at++
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		return x, p.closing(")")
	case c == '\'':
		text, err := p.quoted('\'')
		return literal{text}, err
	case c == '"':
		text, err := p.quoted('"')
		if err != nil || !strings.ContainsAny(text, "$#") {
			return literal{text}, err
		}
		inner := &parser{text: text, start: p.start + at + 1, depth: p.depth}
		body, end, err := inner.block("")
		if err != nil || end != "" {
			return nil, p.errorf(at, "the text in double quotes is no template: write it in single quotes")
		}
		return interpolated(body), nil
	case c == '[':
		return p.list()
	case c == '{':
		return p.mapping()
	case c >= '0' && c <= '9', c == '-':
		return p.number()
	}
	for word, value := range map[string]any{"true": true, "false": false, "null": nil} {
		if p.word(word) {
			return literal{value}, nil
		}
	}
	return nil, p.errorf(at, "%q begins no value", p.text[at:min(at+1, len(p.text))])
}

// quoted reads a quoted text. A doubled quote stands for itself; backslashes have no meaning, as in Velocity, so that
// regular expressions need no more of them.
func (p *parser) quoted(quote byte) (string, error) {
	at := p.at
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		c := p.text[p.at]
		if c == quote {
			if p.at+1 == len(p.text) || p.text[p.at+1] != quote {
				p.at++
				return b.String(), nil
			}
			p.at++
		}
		b.WriteByte(c)
	}
	return "", p.errorf(at, "the text is not closed with %c", quote)
}

func (p *parser) number() (expression, error) {
	at := p.at
	p.take("-")
	digits := func() {
		for p.at < len(p.text) && p.text[p.at] >= '0' && p.text[p.at] <= '9' {
			p.at++
		}
	}
	digits()
	if strings.HasPrefix(p.text[p.at:], ".") && !strings.HasPrefix(p.text[p.at:], "..") {
		p.at++
		digits()
		f, err := strconv.ParseFloat(p.text[at:p.at], 64)
		if err != nil {
			return nil, p.errorf(at, "%s is no number", p.text[at:p.at])
		}
		return literal{f}, nil
	}
	i, err := strconv.ParseInt(p.text[at:p.at], 10, 64)
	if err != nil {
		return nil, p.errorf(at, "%s is no number", p.text[at:p.at])
	}
	return literal{i}, nil
}

// list reads [a, b] and the range [1..5].
func (p *parser) list() (expression, error) {
	p.take("[")
	n := &listNode{position: p.position(p.at)}
	p.space()
	if p.take("]") {
		return n, nil
	}
	for {
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		n.elements = append(n.elements, x)
		p.space()
		if len(n.elements) == 1 && p.take("..") {
			if x, err = p.expression(); err != nil {
				return nil, err
			}
			n.elements, n.isRange = append(n.elements, x), true
			return n, p.closing("]")
		}
		if !p.take(",") {
			return n, p.closing("]")
		}
	}
}

func (p *parser) mapping() (expression, error) {
	p.take("{")
	n := &mapNode{}
	p.space()
	if p.take("}") {
		return n, nil
	}
	for {
		key, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.closing(":"); err != nil {
			return nil, err
		}
		value, err := p.expression()
		if err != nil {
			return nil, err
		}
		n.keys, n.values = append(n.keys, key), append(n.values, value)
		p.space()
		if !p.take(",") {
			return n, p.closing("}")
		}
	}
}

func (p *parser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
}

func (p *parser) take(s string) bool {
	if !strings.HasPrefix(p.text[p.at:], s) {
		return false
	}
	p.at += len(s)
	return true
}

// word takes a word that no name goes on after.
func (p *parser) word(w string) bool {
	if rest := p.text[p.at:]; !strings.HasPrefix(rest, w) || len(rest) > len(w) && isNameByte(rest[len(w)]) {
		return false
	}
	p.at += len(w)
	return true
}

func (p *parser) closing(s string) error {
	if p.space(); !p.take(s) {
		return p.errorf(p.at, "%s is missing", s)
	}
	return nil
}

func nameLength(s string) int {
	if s == "" || !(s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z' || s[0] == '_') {
		return 0
	}
	n := 1
	for n < len(s) && isNameByte(s[n]) {
		n++
	}
	return n
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}
