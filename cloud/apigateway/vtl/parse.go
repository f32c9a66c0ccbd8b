package vtl

import "strings"

// parser reads a template from left to right. Text that only looks like a reference is text.
type parser struct {
	text  string
	start int // of text in the template
	at    int
	depth int
}

// position is that of a place in the parser's text.
func (p *parser) position(at int) position { return position(p.start + at) }

func (p *parser) errorf(at int, format string, args ...any) error {
	return p.position(at).errorf(format, args...)
}

func (p *parser) enter() error {
	if p.depth++; p.depth > maxDepth {
		return p.errorf(p.at, "the template is nested more than %d deep", maxDepth)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// block reads nodes up to a directive that ends the block, #end, #else or #elseif, which it consumes and returns, or up
// to the end of the template.
func (p *parser) block(opener string) (body []node, end string, err error) {
	if err := p.enter(); err != nil {
		return nil, "", err
	}
	defer p.leave()
	start := p.at
	begin := p.at // of the text that is not yet a node
	flush := func(until int) {
		if until > begin {
			body = append(body, textNode(p.text[begin:until]))
		}
	}
	for p.at < len(p.text) {
		switch p.text[p.at] {
		default:
			p.at++
		case '\\':
			from := p.at
			for p.at < len(p.text) && p.text[p.at] == '\\' {
				p.at++
			}
			slashes := p.at - from
			if p.at < len(p.text) && p.text[p.at] == '#' && slashes%2 == 1 {
				if name, _ := p.directive(); name != "" {
					flush(from)
					begin = p.at // the directive's own text
					body = append(body, textNode(p.text[from:from+slashes/2]))
					p.at++
				}
				continue
			}
			if p.at == len(p.text) || p.text[p.at] != '$' {
				continue
			}
			at := p.at
			ref, err := p.reference()
			if err != nil {
				return nil, "", err
			}
			if ref == nil {
				p.at = at + 1
				continue
			}
			flush(from)
			ref.slashes = slashes
			body, begin = append(body, ref), p.at
		case '$':
			at := p.at
			ref, err := p.reference()
			if err != nil {
				return nil, "", err
			}
			if ref == nil {
				p.at = at + 1
				continue
			}
			flush(at)
			body, begin = append(body, ref), p.at
		case '#':
			at := p.at
			n, end, err := p.hash()
			if err != nil {
				return nil, "", err
			}
			if p.at == at { // just a #
				p.at++
				continue
			}
			flush(at)
			begin = p.at
			if end != "" {
				return body, end, nil
			}
			if n != nil {
				body = append(body, n)
			}
		}
	}
	flush(p.at)
	if opener != "" {
		return nil, "", p.errorf(start, "the #%s before this has no #end", opener)
	}
	return body, "", nil
}

// directive looks at the name after a #, which may stand in braces, and at where what follows it begins. It moves nothing.
func (p *parser) directive() (name string, after int) {
	rest := p.text[p.at+1:]
	if inside, ok := strings.CutPrefix(rest, "{"); ok {
		n := nameLength(inside)
		if n == 0 || !strings.HasPrefix(inside[n:], "}") {
			return "", 0
		}
		return inside[:n], p.at + 1 + n + 2
	}
	n := 0
	for n < len(rest) && (rest[n] >= 'a' && rest[n] <= 'z' || rest[n] >= 'A' && rest[n] <= 'Z') {
		n++
	}
	return rest[:n], p.at + 1 + n
}

// hash reads what begins with a #: a comment, a directive, or nothing of the kind.
func (p *parser) hash() (n node, end string, err error) {
	at, rest := p.at, p.text[p.at:]
	switch {
	case strings.HasPrefix(rest, "##"):
		if i := strings.IndexByte(rest, '\n'); i >= 0 {
			p.at += i + 1
		} else {
			p.at = len(p.text)
		}
		return nil, "", nil
	case strings.HasPrefix(rest, "#*"):
		i := strings.Index(rest, "*#")
		if i < 0 {
			return nil, "", p.errorf(at, "the comment #* has no *#")
		}
		p.at += i + 2
		return nil, "", nil
	case strings.HasPrefix(rest, "#[["):
		i := strings.Index(rest, "]]#")
		if i < 0 {
			return nil, "", p.errorf(at, "#[[ has no ]]#")
		}
		p.at += i + 3
		return textNode(rest[3:i]), "", nil
	}
	name, after := p.directive()
	switch name {
	case "set", "if", "foreach":
		p.at = after
		p.space()
		if !p.take("(") {
			return nil, "", p.errorf(at, "#%s needs a parenthesis", name)
		}
	case "elseif", "else", "end":
		p.at = after
		if name != "elseif" {
			p.restOfLine()
		}
		return nil, name, nil
	case "break", "stop":
		p.at = after
		p.restOfLine()
		return jump{name == "stop"}, "", nil
	case "macro", "parse", "include", "define", "evaluate", "literal":
		return nil, "", p.errorf(at, "#%s is not supported; write out what it would do", name)
	default:
		return nil, "", nil
	}
	switch name {
	case "set":
		n, err = p.set(at)
	case "if":
		n, err = p.conditional()
	case "foreach":
		n, err = p.loop(at)
	}
	return n, "", err
}

// restOfLine skips what a directive takes along if nothing but white space follows it on its line.
func (p *parser) restOfLine() {
	i := p.at
	for i < len(p.text) && (p.text[i] == ' ' || p.text[i] == '\t') {
		i++
	}
	if strings.HasPrefix(p.text[i:], "\r\n") {
		p.at = i + 2
	} else if strings.HasPrefix(p.text[i:], "\n") {
		p.at = i + 1
	}
}

func (p *parser) set(at int) (node, error) {
	p.space()
	target, err := p.reference()
	if err != nil {
		return nil, err
	}
	if target == nil || target.calls() {
		return nil, p.errorf(at, "#set needs a variable, or a member of one, on the left")
	}
	p.space()
	if !p.take("=") {
		return nil, p.errorf(p.at, "= must follow the variable of #set")
	}
	value, err := p.expression()
	if err != nil {
		return nil, err
	}
	if err := p.closing(")"); err != nil {
		return nil, err
	}
	p.restOfLine()
	return &setNode{target, value}, nil
}

func (p *parser) conditional() (node, error) {
	n := &ifNode{}
	for {
		condition, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.closing(")"); err != nil {
			return nil, err
		}
		p.restOfLine()
		body, end, err := p.block("if")
		if err != nil {
			return nil, err
		}
		n.branches = append(n.branches, branch{condition, body})
		if end == "elseif" {
			p.space()
			if !p.take("(") {
				return nil, p.errorf(p.at, "#elseif needs a parenthesis")
			}
			continue
		}
		if end == "else" {
			at := p.at
			if n.otherwise, end, err = p.block("if"); err != nil {
				return nil, err
			}
			if end != "end" {
				return nil, p.errorf(at, "#%s after #else", end)
			}
		}
		return n, nil
	}
}

func (p *parser) loop(at int) (node, error) {
	p.space()
	variable, err := p.reference()
	if err != nil {
		return nil, err
	}
	if variable == nil || len(variable.steps) > 0 {
		return nil, p.errorf(at, "#foreach needs a variable, as in #foreach($item in $list)")
	}
	p.space()
	if !p.word("in") {
		return nil, p.errorf(p.at, "in must follow the variable of #foreach")
	}
	over, err := p.expression()
	if err != nil {
		return nil, err
	}
	if err := p.closing(")"); err != nil {
		return nil, err
	}
	p.restOfLine()
	body, end, err := p.block("foreach")
	if err != nil {
		return nil, err
	}
	if end != "end" {
		return nil, p.errorf(at, "#%s within #foreach", end)
	}
	return &loopNode{variable.name, over, body, p.position(at)}, nil
}
