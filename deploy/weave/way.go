package weave

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/token"
)

// way draws the way of a message: from who sends it, through an API and the functions behind its routes, to what those
// functions may use, and back to the pages where a function may post to connections.
func way(p *check.Program, at anchors) template.HTML {
	d := &wayDrawing{anchors: at, boxes: map[*check.Statement]*node{}}
	for _, t := range p.Targets {
		for _, s := range t.Statements {
			if s.Verb == "api.gatewayV2" {
				d.api(t, s)
			}
		}
	}
	return draw("way", "the way of a message", d.nodes, d.edges)
}

// anchors are the numbers of files by their names: a place in the code has the one of its file in its anchor.
type anchors map[string]int

func (a anchors) to(pos token.Position) string { return fmt.Sprintf("#l%d-%d", a[pos.File], pos.Line) }

type wayDrawing struct {
	anchors
	nodes []*node
	edges []edge
	boxes map[*check.Statement]*node
	pages *node // the open connections that functions post to
}

func (d *wayDrawing) add(n *node) *node {
	d.nodes = append(d.nodes, n)
	return n
}

func (d *wayDrawing) join(from, to *node) {
	if e := (edge{from, to}); !slices.Contains(d.edges, e) {
		d.edges = append(d.edges, e)
	}
}

func (d *wayDrawing) api(t *check.Target, s *check.Statement) {
	from := d.add(&node{lines: []string{"callers", "HTTP"}, class: "people"})
	if stringOf(s.Prop("Protocol")) == "websocket" {
		from.lines = []string{"pages", "WebSocket"}
	}
	api := d.add(&node{lines: []string{s.Name, "API"}, class: "api", href: d.to(s.Pos), column: 1})
	d.join(from, api)
	for _, route := range s.Parts {
		if route.Kind != "route" {
			continue
		}
		api.lines = append(api.lines, route.Name)
		for _, in := range s.Parts {
			if in.Kind != "integration" || in.Name != route.Target {
				continue
			}
			if f := function(t, in.Prop("Uri")); f != nil {
				d.join(api, d.function(f))
			}
		}
	}
}

// function is the statement of the function that a Uri leads to, by way of an alias perhaps.
func function(t *check.Target, uri check.Value) *check.Statement {
	r, ok := uri.(check.Reference)
	if !ok {
		return nil
	}
	s := r.Statement
	if name := stringOf(s.Prop("FunctionName")); name != "" {
		for _, other := range t.Statements {
			if other.Name == name && (other.Verb == "lambda.function" || other.Type != nil && other.Type.Name == "aws.Lambda.Function") {
				return other
			}
		}
	}
	return s
}

func stringOf(v check.Value) string {
	if s, ok := v.(check.String); ok {
		return s.Text
	}
	return ""
}

// function adds a function with what its role allows it.
func (d *wayDrawing) function(s *check.Statement) *node {
	if n := d.boxes[s]; n != nil {
		return n
	}
	n := d.add(&node{lines: []string{s.Name, "function"}, class: "function", href: d.to(s.Pos), column: 2})
	d.boxes[s] = n
	role, ok := s.Prop("Role").(*check.Role)
	if !ok {
		return n
	}
	for _, policy := range role.Inline {
		if policy == nil {
			continue
		}
		for _, allowed := range policy.Statements {
			if allowed.Effect == "Allow" {
				d.allowed(n, allowed)
			}
		}
	}
	return n
}

func (d *wayDrawing) allowed(from *node, allowed check.PolicyStatement) {
	for _, action := range allowed.Actions {
		if stringOf(action) == "execute-api:ManageConnections" {
			if d.pages == nil {
				d.pages = d.add(&node{lines: []string{"pages", "@connections"}, class: "people", column: 3})
			}
			d.join(from, d.pages)
		}
	}
	for _, resource := range allowed.Resources {
		r, ok := resource.(check.Reference)
		if !ok {
			continue
		}
		box := d.boxes[r.Statement]
		if box == nil {
			kind := ""
			if r.Statement.Type != nil {
				parts := strings.Split(r.Statement.Type.Name, ".")
				kind = strings.ToLower(parts[len(parts)-1])
			}
			box = d.add(&node{lines: []string{r.Statement.Name, kind}, class: "store", href: d.to(r.Statement.Pos), column: 3})
			d.boxes[r.Statement] = box
		}
		d.join(from, box)
	}
}

// resources draws all resources, each to the right of what it waits for.
func resources(all []deploy.Vertex, at anchors) template.HTML {
	nodes := make([]*node, len(all))
	var column func(i int) int
	column = func(i int) int {
		if nodes[i].column < 0 {
			nodes[i].column = 0
			for _, j := range all[i].After {
				nodes[i].column = max(nodes[i].column, column(j)+1)
			}
		}
		return nodes[i].column
	}
	for i, v := range all {
		class := "resource"
		if v.Found {
			class = "found"
		}
		nodes[i] = &node{lines: []string{v.Resource}, class: class, column: -1, href: at.to(v.Pos)}
	}
	var edges []edge
	for i, v := range all {
		column(i)
		for _, j := range v.After {
			edges = append(edges, edge{nodes[j], nodes[i]})
		}
	}
	return draw("resources", "the resources, each to the right of what it waits for", nodes, edges)
}
