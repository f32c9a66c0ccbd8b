package parser

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"quotewire/dply/scanner"
	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// Mode changes what Parse accepts.
type Mode uint8

// Implicit accepts a file without a target line: it is one target, named after the file.
const Implicit Mode = 1

// Parse reads a script. The file is complete even if there are diagnostics; its bad lines are marked.
func Parse(name string, text []byte, mode Mode) (*syntax.File, token.List) {
	p := &parser{file: &syntax.File{Name: name}}
	p.parse(string(text), mode)
	list := p.file.Prune(p.list)
	list.Sort()
	return p.file, list
}

// parser reads one file.
type parser struct {
	file  *syntax.File
	list  token.List
	trace func(production string) // told of every production of the grammar that is begun, if it is set
}

func (p *parser) parse(text string, mode Mode) {
	top := p.blocks(text)
	first := slices.IndexFunc(top, func(l *syntax.Line) bool { return !startsWith(l, "parameter") })
	if mode&Implicit != 0 && first >= 0 && !startsWith(top[first], "target") {
		for _, line := range top[:first] {
			p.parameter(line)
		}
		p.implicit(top[first:])
		return
	}
	p.begin("file")
	stray := false // E21 is reported once a file: the usual cause is one missing line
	for _, line := range top {
		switch {
		case line.Bad:
		case startsWith(line, "target"):
			p.target(line)
		case startsWith(line, "parameter"):
			p.parameter(line)
		case !stray:
			stray = true
			p.fail(line, line.Pos(), "E21", "only targets and parameters stand at the outermost level",
				"Did you forget a line such as \"target infrastructure\" above, with the rest of the script indented below it?")
		default:
			line.Bad = true
		}
	}
}

// begin tells the trace.
func (p *parser) begin(production string) {
	if p.trace != nil {
		p.trace(production)
	}
}

// fail reports a mistake and gives the line up.
func (p *parser) fail(line *syntax.Line, at token.Position, code, message, hint string) {
	p.report(line, at, code, message, hint)
	line.Bad = true
}

func (p *parser) report(line *syntax.Line, at token.Position, code, message, hint string) {
	p.list = append(p.list, token.Diagnostic{Pos: at, Code: code, Message: message, Hint: hint, Source: line.Text})
}

// blocks makes the tree of lines: all of them into the file, and each code line below the one that it is nested in.
// It returns the code lines of the outermost level.
func (p *parser) blocks(text string) (top []*syntax.Line) {
	text, p.file.BOM = strings.CutPrefix(text, scanner.BOM)
	p.file.Lines = make([]syntax.Line, 0, strings.Count(text, "\n")+1)
	var (
		layout scanner.Layout
		open   []*syntax.Line // the last line of each level
		buffer []token.Token
	)
	for raw := range scanner.Lines(text) {
		p.file.Lines = append(p.file.Lines, syntax.Line{Line: raw, File: p.file, Last: raw.Number})
		line := &p.file.Lines[len(p.file.Lines)-1]
		if line.Kind != token.Code {
			continue
		}
		var mistake *scanner.Mistake
		buffer, line.Comment, mistake = scanner.Tokens(raw, buffer[:0])
		line.Tokens = slices.Clone(buffer)

		level, placement := layout.Place(line.Indent)
		switch placement {
		case scanner.Foreign:
			char, column := scanner.BadIndent(line.Indent)
			p.fail(line, line.Column(column), "E02", fmt.Sprintf("%U may not indent a line", char),
				"Indent with spaces and tabs only. Was the text pasted from a web page?")
		case scanner.Rejected:
			p.fail(line, line.Column(1), "E01", fmt.Sprintf("invalid indent: prefix %s does not continue %s", scanner.Show(line.Indent), scanner.Show(layout.Top())),
				indentHint(line.Indent, layout.Top()))
		}
		if placement != scanner.Placed {
			p.reject(line, open)
			continue
		}
		if mistake != nil {
			p.fail(line, line.Column(mistake.Column), mistake.Code, mistake.Message, mistake.Hint)
		}
		line.Level = level
		closeBlocks(open, level, line.Number-1)
		open = append(open[:level], line)
		if level == 0 {
			top = append(top, line)
		} else {
			open[level-1].Children = append(open[level-1].Children, line)
		}
	}
	closeBlocks(open, 0, len(p.file.Lines))
	return top
}

// reject takes note of a line that stands nowhere: something may seem to be missing from any block that is open.
func (p *parser) reject(line *syntax.Line, open []*syntax.Line) {
	line.Bad = true
	for i := len(open) - 1; i >= 0 && !open[i].Torn; i-- {
		open[i].Torn = true
	}
	if len(open) > 0 {
		open[0].Children = append(open[0].Children, line)
	}
}

// closeBlocks ends the blocks at and below a level with that line.
func closeBlocks(open []*syntax.Line, level, last int) {
	for _, line := range open[min(level, len(open)):] {
		line.Last = last
	}
}

func indentHint(indent, top string) string {
	if strings.Contains(indent, "\t") != strings.Contains(top, "\t") {
		return "One has tabs and the other has not. They never count as each other: indent the whole script with one of them."
	}
	return "Indent the line exactly as its neighbours in the same block, or with more than the line above to nest it there."
}

func startsWith(line *syntax.Line, word string) bool {
	return len(line.Tokens) > 0 && line.Tokens[0].Kind == token.Ident && line.Tokens[0].Text == word
}

// target reads a target line and the statements below it.
func (p *parser) target(line *syntax.Line) {
	p.begin("target")
	t := line.Tokens
	if len(t) != 2 || t[1].Kind != token.Ident {
		at, hint := line.Pos(), "Write: target NAME"
		if len(t) > 1 {
			at = line.At(t[1])
		}
		if len(t) > 2 {
			if t[1].Kind == token.Ident {
				at = line.At(t[2])
			}
			if t[2].Is("-") {
				hint = "Names have letters, digits, _ and dots, no hyphens. Write: target " + strings.ReplaceAll(strings.TrimSpace(line.Text[t[1].Offset:t[len(t)-1].End()]), "-", "_")
			}
		}
		p.fail(line, at, "E23", "a target has exactly one name", hint)
		return
	}
	target := &syntax.Target{Line: line, Name: p.ident(line, t[1])}
	line.Node = target
	p.file.Targets = append(p.file.Targets, target)
	target.Body = p.statements(line.Children)
}

// parameter reads a parameter line.
func (p *parser) parameter(line *syntax.Line) {
	if line.Bad {
		return
	}
	p.begin("parameter")
	t := line.Tokens
	if len(t) < 2 || t[1].Kind != token.Ident || len(t) == 3 || len(t) > 3 && !t[2].Is("<-") {
		p.fail(line, line.Pos(), "E65", "a parameter is a name, and perhaps the value that it has if a run gives it none", "Write: parameter NAME, or: parameter NAME <- \"value\". Names have letters, digits, _ and dots, no hyphens.")
		return
	}
	param := &syntax.Param{Line: line, Name: p.ident(line, t[1])}
	if len(t) > 3 {
		if param.Default = p.whole(line, t[3:]); param.Default == nil {
			return
		}
	}
	p.childless(line, "a parameter")
	line.Node = param
	p.file.Params = append(p.file.Params, param)
}

// implicit wraps a file of statements into one target.
func (p *parser) implicit(top []*syntax.Line) {
	name := strings.Map(func(r rune) rune {
		if r == '_' || r == '.' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return '_'
	}, strings.TrimSuffix(path.Base(strings.ReplaceAll(p.file.Name, `\`, "/")), ".dply"))
	line := &syntax.Line{Line: token.Line{Number: top[0].Number}, File: p.file, Children: top, Last: len(p.file.Lines)}
	p.file.Targets = []*syntax.Target{{
		Line: line, Name: syntax.Ident{Pos: line.Column(1), Name: name}, Body: p.statements(top), Implicit: true,
	}}
}

func (p *parser) statements(lines []*syntax.Line) []syntax.Node {
	return p.each(lines, p.statement)
}

// each reads the lines of a block with read, which returns nil for a line that it could not read.
func (p *parser) each(lines []*syntax.Line, read func(*syntax.Line) syntax.Node) []syntax.Node {
	if len(lines) == 0 {
		return nil
	}
	nodes := make([]syntax.Node, 0, len(lines))
	for _, line := range lines {
		var node syntax.Node
		if !line.Bad {
			node = read(line)
		}
		if line.Bad || node == nil {
			line.Bad = true
			node = bad(line)
		}
		line.Node = node
		nodes = append(nodes, node)
	}
	return nodes
}

// binding finds the variable in a line that could not be read.
var binding = regexp.MustCompile(`=>\s*([\pL_.][\pL\p{Nd}_.]*)\s*(?://.*)?$`)

// bad saves of a line what keeps its mistake from being reported twice.
func bad(line *syntax.Line) *syntax.Bad {
	b := &syntax.Bad{Line: line}
	if len(line.Tokens) > 0 && (line.Tokens[0].Kind == token.Ident || line.Tokens[0].Kind == token.Adverb) {
		b.Name = line.Tokens[0].Text
	}
	if i := strings.LastIndex(line.Text, "=>"); i >= 0 {
		if m := binding.FindStringSubmatch(line.Text[i:]); m != nil {
			b.Bind = syntax.Ident{Pos: line.Pos(), Name: m[1]}
		}
	}
	return b
}

func (p *parser) ident(line *syntax.Line, t token.Token) syntax.Ident {
	return syntax.Ident{Pos: line.At(t), Name: t.Text}
}

// childless reports the block of a line that takes none, once.
func (p *parser) childless(line *syntax.Line, what string) {
	for _, child := range line.Children {
		if !child.Bad {
			p.fail(child, child.Pos(), "E03", "nothing may be nested under "+what, "Remove the line, or indent it like the line above it.")
			return
		}
	}
}
