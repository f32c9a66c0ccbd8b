package check

import (
	"time"

	"quotewire/dply/schema"
	"quotewire/dply/token"
)

// Program is a script that passed the check: names are resolved, constants and environment variables are replaced by
// their values, arithmetic is done, and every value has the kind that its property wants. What only the cloud can tell
// is left as a [Reference].
type Program struct {
	Targets    []*Target   // in source order, over all files
	Parameters []Parameter // in source order, over all files
}

// Parameter is something that a run is told, with the value that it has in this one.
type Parameter struct {
	Name  string         `json:"name"`
	Value string         `json:"value"`
	From  string         `json:"from"` // "default", "environment" or "--set"
	Pos   token.Position `json:"-"`
}

// Target is a named group of statements.
type Target struct {
	Name       string
	Pos        token.Position
	Statements []*Statement // in source order
}

// Teardown says what a teardown run does with a statement's resource.
type Teardown string

const (
	Delete   Teardown = "delete"
	Preserve Teardown = "preserve"
)

// Statement is one line of a target with its block.
type Statement struct {
	Pos      token.Position // of the verb
	Verb     string         // "ensure", "find", "coin", "lambda.function", "show", …
	Type     *schema.Type   // of ensure, find, coin and the composite verbs; nil otherwise
	Name     string         // the instance name, if the verb takes one
	NamePos  token.Position
	Teardown Teardown // "" where the verb takes none
	Destroy  bool     // marked @destroy
	Bind     string   // the variable after =>, or ""
	Props    []Prop   // in source order, at most one of each name; without the name and the adverbs
	Parts    []*Part  // integration, route and stage lines of api.gatewayV2, in source order
	Args     []Value  // of show, files.dir, files.copy, attachPolicy, cloudfront.invalidate
	Policy   *Policy  // of policy and lambda.addPermissions
}

// Prop is one property with its value.
type Prop struct {
	Name  string
	Pos   token.Position
	Value Value
}

// Prop returns the value of the property of that name, or nil.
func (s *Statement) Prop(name string) Value { return find(s.Props, name) }

func find(props []Prop, name string) Value {
	for _, p := range props {
		if p.Name == name {
			return p.Value
		}
	}
	return nil
}

// Part is a nested line of api.gatewayV2, with properties: integration NAME, authorizer NAME, route KEY INTEGRATION, stage NAME.
type Part struct {
	Kind   string // "integration", "authorizer", "route", "stage"
	Pos    token.Position
	Name   string // the integration's or authorizer's name, the route key or the stage's name
	Target string // of a route: the name of its integration, declared in the same block
	Props  []Prop
}

// Prop returns the value of the property of that name, or nil.
func (p *Part) Prop(name string) Value { return find(p.Props, name) }

// Value is one of String, Joined, Number, Duration, List, Map, Reference, Compound, Role, Fields and Policy.
type Value interface{ Position() token.Position }

// String is a text. Constants and environment variables are strings by now.
type String struct {
	Pos  token.Position
	Text string
}

// Joined is a text of which only the cloud knows some parts: strings, and references to members that are strings.
type Joined struct {
	Pos   token.Position
	Parts []Value
}

// Number is a number. Booleans are 1 and 0.
type Number struct {
	Pos   token.Position
	Value float64
}

// Duration is a number of hours.
type Duration struct {
	Pos   token.Position
	Value time.Duration
}

// List is a list of values. A single value where a list is wanted has become a list of one.
type List struct {
	Pos   token.Position
	Items []Value
}

// Map is a nested block of properties.
type Map struct {
	Pos     token.Position
	Entries []Prop
}

// Reference is the resource of an earlier statement of the same target, or one member of it. It is resolved when the
// resource is known. Where a string is wanted and the object itself was given, Member is already the type's Self.
// A reference to a files.dir statement is the path that its arguments make.
type Reference struct {
	Pos       token.Position
	Statement *Statement
	Member    string // "" for the object itself
}

// Compound is a value read by a reader with plain parts, such as aws.S3.Location or aws.VPC.Config.
type Compound struct {
	Pos    token.Position
	Reader string
	Props  []Prop
}

// Prop returns the value of the part of that name, or nil.
func (c *Compound) Prop(name string) Value { return find(c.Props, name) }

// Role is an aws.IAM.WithRole block.
type Role struct {
	Pos     token.Position
	Name    string
	Assume  *Policy
	Inline  []*Policy // policy blocks without a name; an empty one is nil here and still counts for numbering
	Managed []String  // the names after policy, to be attached
}

// Fields is an aws.DynamoFields block.
type Fields struct {
	Pos   token.Position
	Items []Field
}

// Field is one attribute of a table.
type Field struct {
	Pos  token.Position
	Name string
	Type string // "S", "N" or "B"; "BOOL" for a field that is no key
	Key  string // "hash", "range" or ""
}

// Policy is a block of allow and deny statements, in source order.
type Policy struct {
	Pos        token.Position
	Statements []PolicyStatement
}

// PolicyStatement is one allow or deny with its modifiers. The values are strings or references to strings.
type PolicyStatement struct {
	Pos        token.Position
	Effect     string // "Allow" or "Deny"
	Actions    []Value
	Resources  []Value
	Principals []Principal
	Conditions []Condition
}

// Principal is one principal line.
type Principal struct {
	Pos  token.Position
	Kind string // "Service", "AWS", …
	ID   Value
}

// Condition is one condition line.
type Condition struct {
	Pos      token.Position
	Operator string
	Key      string
	Value    Value
}

func (v String) Position() token.Position    { return v.Pos }
func (v Joined) Position() token.Position    { return v.Pos }
func (v Number) Position() token.Position    { return v.Pos }
func (v Duration) Position() token.Position  { return v.Pos }
func (v List) Position() token.Position      { return v.Pos }
func (v Map) Position() token.Position       { return v.Pos }
func (v Reference) Position() token.Position { return v.Pos }
func (v *Compound) Position() token.Position { return v.Pos }
func (v *Role) Position() token.Position     { return v.Pos }
func (v *Fields) Position() token.Position   { return v.Pos }
func (v *Policy) Position() token.Position   { return v.Pos }
