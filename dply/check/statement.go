package check

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"quotewire/dply/schema"
	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// plain are the verbs that need no entry in the catalog: they make no resource, or the engine itself does what they say.
var plain = []string{"ensure", "find", "coin", "env", "show", "files.dir", "files.copy", "policy", "attachPolicy"}

// statement checks one line of a target with its block. It returns nil for a line that only gives a value a name, and
// after a mistake.
func (c *checker) statement(n *syntax.Statement) *Statement {
	mark := len(c.list)
	s := &Statement{Pos: n.Verb.Pos, Verb: n.Verb.Name, Bind: n.Bind.Name}
	var value Value = Reference{Pos: n.Bind.Pos, Statement: s}
	keep := true
	n, ok := c.like(n)
	if !ok {
		c.bind(n.Bind, nil)
		return nil
	}
	switch n.Verb.Name {
	case "":
		value, keep = c.eval(n.Args[0]), false
	case "env":
		value, keep = c.env(n), false
	case "ensure", "find", "coin":
		c.typed(s, n)
	case "policy":
		s.Policy = c.policy(n.Pos(), n.Body, documentPolicy)
	case "show", "files.dir", "files.copy", "attachPolicy":
		for _, arg := range n.Args {
			s.Args = append(s.Args, c.eval(arg))
		}
		switch s.Verb {
		case "files.dir":
			c.path(s)
		case "attachPolicy":
			c.attached(s)
		}
	default:
		c.composite(s, n)
	}
	if c.broken(mark) {
		c.bind(n.Bind, nil)
		return nil
	}
	c.bind(n.Bind, value)
	c.bound[n.Bind.Name] = n
	if !keep {
		return nil
	}
	return s
}

// broken reports whether a mistake was found since the list had mark entries.
func (c *checker) broken(mark int) bool {
	return slices.ContainsFunc(c.list[mark:], func(d token.Diagnostic) bool { return !d.Warning() })
}

func (c *checker) env(n *syntax.Statement) Value {
	name, ok := c.text(n.Args[0], "the name of an environment variable")
	if !ok {
		return nil
	}
	if c.config.Env != nil {
		if text, set := c.config.Env(name); set {
			return String{n.Args[0].Pos(), text}
		}
	}
	c.report(n.Args[0].Pos(), "E56", fmt.Sprintf("the environment variable %s is not set", name), "Set it, or name a file of variables with -e NAME, which reads NAME.envs beside the script.")
	return nil
}

// path checks the parts of files.dir: the first absolute, or an earlier path; the others relative.
func (c *checker) path(s *Statement) {
	for i, arg := range s.Args {
		ref, isRef := arg.(Reference)
		text, isText := arg.(String)
		switch {
		case arg == nil:
		case i == 0 && isRef && ref.Statement.Verb == "files.dir":
		case i == 0 && isText && path.IsAbs(text.Text):
		case i > 0 && isText && !path.IsAbs(text.Text):
		default:
			c.report(arg.Position(), "E55", "a path begins with an absolute part and goes on with relative ones", `Write: files.dir "/srv/site" "images" => images`)
		}
	}
}

// attached checks attachPolicy: a resource that has a policy, and a policy.
func (c *checker) attached(s *Statement) {
	to, policy := s.Args[0], s.Args[1]
	if ref, ok := to.(Reference); to != nil && (!ok || ref.Member != "" || ref.Statement.Type == nil || !ref.Statement.Type.Policies) {
		var takers []string
		for _, name := range keys(c.types) {
			if c.types[name].Policies {
				takers = append(takers, name)
			}
		}
		c.report(to.Position(), "E46", "attachPolicy wants a resource that has a policy, got "+kindOf(to), "It takes a variable bound to "+either(takers)+", and then one bound to a policy statement.")
	}
	if ref, ok := policy.(Reference); policy != nil && (!ok || ref.Member != "" || ref.Statement.Verb != "policy") {
		c.report(policy.Position(), "E46", "attachPolicy wants a policy document, got "+kindOf(policy), "Bind the statements to a variable above: policy => readers")
	}
}

// typed checks ensure, find and coin.
func (c *checker) typed(s *Statement, n *syntax.Statement) {
	name, ok := n.Args[0].(syntax.Name)
	if !ok {
		c.fail(n.Line, n.Args[0].Pos(), "E30", s.Verb+" needs the name of a type", fmt.Sprintf(`Write: %s aws.S3.Bucket "name"`, s.Verb))
		return
	}
	t := c.types[name.Name]
	if t == nil {
		c.fail(n.Line, name.Ident.Pos, "E32", name.Name+" is not a type", c.didYouMean(name.Name, keys(c.types)))
		return
	}
	can := map[string]bool{"ensure": t.Ensure, "find": t.Find, "coin": t.Coin}
	if !can[s.Verb] {
		var verbs []string
		for _, verb := range []string{"ensure", "find", "coin"} {
			if can[verb] {
				verbs = append(verbs, verb)
			}
		}
		c.fail(n.Line, name.Ident.Pos, "E32", fmt.Sprintf("%s is not for %s", t.Name, s.Verb), "Use "+either(verbs)+".")
		return
	}
	s.Type = t
	props := t.Properties
	if s.Verb == "find" {
		props = t.FindBy
	}
	c.named(s, n, n.Args[1:])
	c.block(s, n, props)
	if s.Verb == "ensure" {
		c.capacities(s, n)
		c.validation(s, n)
	}
}

// validation: Route 53 needs to know in which of its zones, and can only make records that lie there.
func (c *checker) validation(s *Statement, n *syntax.Statement) {
	if s.Type.Name != "aws.CertificateManager.Certificate" || n.Torn {
		return
	}
	given := false
	for _, node := range n.Body {
		p, ok := node.(*syntax.Prop)
		if !ok {
			continue
		}
		text, _ := s.Prop(p.Name.Name).(String) // "" if there is a mistake in it
		if p.Name.Name == "ValidationMethod" && text.Text != "DNS" || p.Name.Name == "ValidationProvider" && text.Text != "Route53" {
			return
		}
		given = given || p.Name.Name == "Domain"
	}
	if !given {
		c.report(s.Pos, "E45", "Domain was not defined", `Route 53 validates the certificate in the hosted zone of a domain: find aws.Route53.DomainName "example.org" => domain, and here: Domain <- domain`)
		return
	}
	domain, ok := s.Prop("Domain").(Reference)
	if !ok {
		return // the id of a zone, whose name only the cloud knows
	}
	names := []Value{String{s.NamePos, s.Name}}
	if list, ok := s.Prop("SubjectAlternativeNames").(List); ok {
		names = append(names, list.Items...)
	}
	for _, v := range names {
		name, ok := v.(String)
		if ok && !strings.HasSuffix("."+strings.ToLower(name.Text), "."+strings.ToLower(domain.Statement.Name)) {
			c.report(name.Pos, "E59", fmt.Sprintf("%s does not lie in the domain %s", name.Text, domain.Statement.Name),
				`Name the domain that all names of the certificate lie in, or have somebody make the records: ValidationProvider <- "Manual"`)
			return
		}
	}
}

// capacities: a scaling range has two ends.
func (c *checker) capacities(s *Statement, n *syntax.Statement) {
	if (s.Prop("MinCapacity") == nil) != (s.Prop("MaxCapacity") == nil) && !n.Torn {
		c.report(s.Pos, "E50", "MinCapacity and MaxCapacity go together", "Set both, or neither.")
	}
}

// composite checks the verbs that the catalog brings.
func (c *checker) composite(s *Statement, n *syntax.Statement) {
	t := c.verbs[s.Verb]
	if t == nil {
		hint := c.didYouMean(s.Verb, append(keys(c.verbs), plain...))
		if s.Verb == "allow" || s.Verb == "deny" {
			hint = s.Verb + " stands in the block of a policy: policy => v, or in that of a function's role."
		}
		c.fail(n.Line, s.Pos, "E27", s.Verb+" is not a verb", hint)
		return
	}
	s.Type = t
	switch s.Verb {
	case "lambda.addPermissions":
		c.named(s, n, n.Args)
		s.Policy = c.policy(n.Pos(), n.Body, permissionPolicy)
	case "lambda.publishVersion":
		c.block(s, n, t.Properties)
	case "cloudfront.invalidate":
		c.block(s, n, t.Properties)
		c.invalidated(s, n)
	default:
		c.named(s, n, n.Args)
		c.block(s, n, t.Properties)
	}
	if s.Verb == "api.gatewayV2" {
		c.parts(s, n)
	}
}

// invalidated takes the distribution, which stands on the line or in the block.
func (c *checker) invalidated(s *Statement, n *syntax.Statement) {
	i := slices.IndexFunc(s.Type.Properties, func(p schema.Property) bool { return p.Name == "Distribution" })
	given := s.Prop("Distribution")
	switch {
	case len(n.Args) == 0 && given == nil && !n.Torn:
		c.report(s.Pos, "E45", "Distribution was not defined", "Write the distribution on the line: cloudfront.invalidate site->distributionId")
	case len(n.Args) > 0 && given != nil:
		c.report(n.Args[0].Pos(), "E37", "Distribution is given twice", fmt.Sprintf("The other is at %s.", given.Position()))
	case len(n.Args) > 0:
		if v := c.convert(c.eval(n.Args[0]), s.Type.Properties[i]); v != nil {
			s.Args = []Value{v}
		}
	}
}

// named takes the instance name off the line; [checker.block] takes it from the block otherwise.
func (c *checker) named(s *Statement, n *syntax.Statement, args []syntax.Expr) {
	if len(args) > 0 {
		s.Name, s.NamePos = c.nameOf(n.Line, args[0]), args[0].Pos()
	}
}

// What is said of a name that comes from the cloud.
const (
	lateName = "the name of a resource must be known before it is made"
	lateHint = "Put it together from text, parameters, run.region and run.account."
)

// nameOf is the text that names something, "" after a mistake.
func (c *checker) nameOf(line *syntax.Line, x syntax.Expr) string {
	switch v := c.eval(x).(type) {
	case String:
		if v.Text == "" {
			c.fail(line, x.Pos(), "E31", "the name is empty", "Write it in quotes: \"prices\". A parameter in it may be empty.")
		}
		return v.Text
	case Joined:
		c.fail(line, v.Pos, "E30", lateName, lateHint)
	}
	return ""
}

// nameless are the verbs without an instance name.
func nameless(verb string) bool {
	return verb == "lambda.publishVersion" || verb == "cloudfront.invalidate"
}

// block checks the properties and adverbs of a statement.
func (c *checker) block(s *Statement, n *syntax.Statement, allowed []schema.Property) {
	b := c.properties(n.Body, allowed, s.Type.Name, "E33", func(a *syntax.Adverb, seen map[string]token.Position) { c.adverb(s, a, seen) },
		func(p *syntax.Prop) bool { return !nameless(s.Verb) && c.nameProperty(s, p) })
	s.Props = b.props
	if n.Torn {
		return
	}
	if s.Name == "" && s.NamePos.Line == 0 && !nameless(s.Verb) && !b.has("name") {
		c.fail(n.Line, s.Pos, "E31", s.Verb+" needs a name", `Write it on the line in quotes, or as a property: name <- "prices"`)
		return
	}
	if TakesTeardown(s.Verb) && s.Teardown == "" && !b.has("@teardown") {
		c.report(s.Pos, "E34", s.Verb+" needs a teardown strategy", "Add a line to its block: @teardown delete, or: @teardown preserve")
		return
	}
	c.required(b, allowed, s.Pos, "E45", func(name string) string { return name + " was not defined" })
}

// TakesTeardown reports whether the blocks of a verb have to say @teardown.
func TakesTeardown(verb string) bool {
	return slices.Contains([]string{"ensure", "lambda.function", "api.gatewayV2", "cloudfront.distribution.fromS3"}, verb)
}

// TakesLike reports whether the blocks of a verb may say @like.
func TakesLike(verb string) bool { return verb != "find" && !nameless(verb) }

// nameProperty takes name <- "…" and reports whether p was that.
func (c *checker) nameProperty(s *Statement, p *syntax.Prop) bool {
	if p.Name.Name != "name" {
		return false
	}
	switch p.Value.(type) {
	case syntax.StringLit, syntax.Template:
		if s.Name != "" {
			c.twice(p.Name, "E37", s.NamePos)
			return true
		}
		s.Name, s.NamePos = c.nameOf(p.Line, p.Value), p.Value.Pos()
	default:
		c.fail(p.Line, p.Name.Pos, "E30", "the name of a resource stands in quotes", `Write: name <- "prices"`)
	}
	return true
}

func (c *checker) adverb(s *Statement, a *syntax.Adverb, seen map[string]token.Position) {
	name := a.Name
	if s.Verb == "find" {
		c.fail(a.Line, name.Pos, "E35", "find takes no adverbs", "What is found is never changed and never removed. Take the line away.")
		return
	}
	var known []string
	if TakesTeardown(s.Verb) {
		known = append(known, "@teardown")
	}
	if s.Verb == "ensure" {
		known = append(known, "@destroy")
	}
	if s.Type != nil && TakesLike(s.Verb) {
		known = append(known, "@like")
	}
	if !slices.Contains(known, name.Name) {
		hint := s.Verb + " takes no adverbs."
		if known != nil {
			hint = c.didYouMean(name.Name, known) + s.Verb + " takes " + and(known) + "."
		}
		c.fail(a.Line, name.Pos, "E36", "no adverb "+name.Name+" here", hint)
		return
	}
	if first, twice := seen[name.Name]; twice {
		c.twice(name, "E37", first)
		return
	}
	seen[name.Name] = name.Pos
	if name.Name == "@destroy" {
		if len(a.Args) > 0 {
			c.fail(a.Line, a.Args[0].Pos(), "E38", "@destroy takes no argument", "Write it alone.")
			return
		}
		s.Destroy = true
		return
	}
	const hint = "Write: @teardown delete, or: @teardown preserve"
	if len(a.Args) != 1 {
		c.fail(a.Line, name.Pos, "E38", "@teardown takes one argument", hint)
		return
	}
	word, ok := a.Args[0].(syntax.Name)
	if !ok || word.Name != string(Delete) && word.Name != string(Preserve) {
		c.fail(a.Line, a.Args[0].Pos(), "E38", "@teardown is delete or preserve", hint)
		return
	}
	s.Teardown = Teardown(word.Name)
}

// parts checks the integrations, authorizers, routes and stages of an API.
func (c *checker) parts(s *Statement, n *syntax.Statement) {
	declared, torn := map[string]token.Position{}, n.Torn
	names := make(map[*syntax.Command]string, len(n.Body))
	for _, node := range n.Body {
		switch node := node.(type) {
		case *syntax.Bad:
			torn = true // it may be the integration that a route names
		case *syntax.Command:
			name, at := c.nameOf(node.Line, node.Args[0]), node.Args[0].Pos()
			if names[node] = name; node.Word.Name == "integration" {
				if first, twice := declared[name]; twice {
					c.twice(syntax.Ident{Pos: at, Name: name}, "E37", first)
				}
				declared[name] = at
			}
		}
	}
	for _, node := range n.Body {
		node, ok := node.(*syntax.Command)
		if !ok {
			continue
		}
		part := &Part{Kind: node.Word.Name, Pos: node.Word.Pos, Name: names[node]}
		if part.Kind == "route" {
			target := node.Args[1]
			part.Target = c.nameOf(node.Line, target)
			if _, ok := declared[part.Target]; !ok && !torn && part.Target != "" {
				near := ""
				if c.guesses < maxGuesses { // the names are many, perhaps
					near = c.didYouMean(part.Target, keys(declared))
				}
				c.report(target.Pos(), "E49", fmt.Sprintf("no integration %q in this API", part.Target),
					near+fmt.Sprintf("Declare it in the same block: integration %q", part.Target))
			}
		}
		if properties := c.readers["api.gatewayV2 "+part.Kind]; properties != nil {
			b := c.properties(node.Body, properties.Properties, part.Kind, "E33", nil, func(p *syntax.Prop) bool {
				if part.Kind != "integration" || p.Name.Name != "Description" {
					return false
				}
				c.fail(p.Line, p.Name.Pos, "E62", "Description is reserved: it holds the integration's name", "Take the line away; prose can say what it is for.")
				return true
			})
			part.Props = b.props
			if !node.Torn {
				c.required(b, properties.Properties, part.Pos, "E45", func(name string) string { return name + " was not defined" })
			}
		}
		s.Parts = append(s.Parts, part)
	}
	if !torn {
		c.routeSettings(s)
	}
	protocol, ok := s.Prop("Protocol").(String)
	if ok && strings.EqualFold(protocol.Text, "websocket") && s.Prop("RouteSelectionExpression") == nil && !torn {
		c.report(s.Pos, "E48", "a websocket API needs RouteSelectionExpression", `Say which part of a message selects the route: RouteSelectionExpression <- "$request.body.action"`)
	}
}
