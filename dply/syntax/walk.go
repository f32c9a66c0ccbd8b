package syntax

// Walk calls f for a node and everything nested in it, in the order of the lines.
func Walk(n Node, f func(Node)) {
	f(n)
	for _, child := range Body(n) {
		Walk(child, f)
	}
}

// Body is the block of a node.
func Body(n Node) []Node {
	switch n := n.(type) {
	case *Target:
		return n.Body
	case *Statement:
		return n.Body
	case *Command:
		return n.Body
	case *Prop:
		return n.Body
	case *Field:
		return n.Body
	case *Item:
		return n.Body
	}
	return nil
}

// Exprs are the expressions on the line of a node.
func Exprs(n Node) []Expr {
	switch n := n.(type) {
	case *Param:
		if n.Default != nil {
			return []Expr{n.Default}
		}
	case *Statement:
		return n.Args
	case *Command:
		return n.Args
	case *Adverb:
		return n.Args
	case *Prop:
		if n.Value != nil {
			return []Expr{n.Value}
		}
		return n.Args
	case *Item:
		return []Expr{n.Value}
	}
	return nil
}

// Names are the variables, parameters and constants in the expressions on the line of a node.
func Names(n Node) []Ident {
	var names []Ident
	for _, x := range Exprs(n) {
		WalkExpr(x, func(x Expr) {
			if name, ok := x.(Name); ok {
				names = append(names, name.Ident)
			}
		})
	}
	return names
}

// WalkExpr calls f for an expression and everything in it.
func WalkExpr(x Expr, f func(Expr)) {
	if x == nil {
		return
	}
	f(x)
	switch x := x.(type) {
	case Template:
		for _, part := range x.Parts {
			WalkExpr(part, f)
		}
	case Member:
		WalkExpr(x.X, f)
	case Arith:
		WalkExpr(x.X, f)
		for _, step := range x.Steps {
			WalkExpr(step.Y, f)
		}
	case Sum:
		for _, arg := range x.Args {
			WalkExpr(arg, f)
		}
	case Hours:
		WalkExpr(x.X, f)
	case Paren:
		WalkExpr(x.X, f)
	case ListLit:
		for _, item := range x.Items {
			WalkExpr(item, f)
		}
	case MapLit:
		for _, e := range x.Entries {
			WalkExpr(e.Value, f)
		}
	}
}
