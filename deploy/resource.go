package deploy

import (
	"context"
	"fmt"
	"slices"

	"quotewire/dply/check"
)

// Key names a resource within a run: its type as scripts write it, and a name that is unique in that type.
type Key struct {
	Type string
	Name string
}

// Action is what is to be done about a resource.
type Action int

const (
	None   Action = iota // it is as the script says
	Create               // it is missing
	Update               // it differs
	Delete               // it is to go
	Act                  // a task rather than a resource, such as show
)

// String is the action as a verb.
func (a Action) String() string { return [...]string{"leave", "create", "update", "delete", "run"}[a] }

// MarshalText is how JSON says an action.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Change is one property that differs. Either side may be empty; a set of statements differs by what is Removed from it
// and Added to it.
type Change struct {
	Property string   `json:"property"`
	Old      string   `json:"old,omitempty"`
	New      string   `json:"new,omitempty"`
	Removed  []string `json:"removed,omitempty"`
	Added    []string `json:"added,omitempty"`
}

func (c Change) equal(d Change) bool {
	return c.Property == d.Property && c.Old == d.Old && c.New == d.New && slices.Equal(c.Removed, d.Removed) && slices.Equal(c.Added, d.Added)
}

// String is the change in short, such as "Timeout 3 → 30".
func (c Change) String() string {
	switch {
	case c.Old == "" && c.New == "":
		return c.Property
	case c.Old == "":
		return c.Property + " " + c.New
	case c.New == "":
		return fmt.Sprintf("%s %s removed", c.Property, c.Old)
	}
	return fmt.Sprintf("%s %s → %s", c.Property, c.Old, c.New)
}

// Step is what a resource needs: an action and, for an update, the reasons.
type Step struct {
	Action  Action
	Changes []Change
}

// Resource is one object of a cloud, or one task, that a statement asks for. The engine calls its methods one at a time,
// and those of a resource that it depends on have returned by then. Methods of other resources run at the same time.
type Resource interface {
	// String is what people call it, such as "function watch-lambda".
	String() string
	// Read finds out what exists. It must not write.
	Read(ctx context.Context) error
	// Exists reports whether Read found it, or Apply made it.
	Exists() bool
	// Plan says what Apply would do, from what is known; it makes no calls. A value that is known only after another
	// resource is made counts as a difference. The engine asks again just before it applies.
	Plan() (Step, error)
	// Apply brings the cloud into line.
	Apply(ctx context.Context) error
	// Member returns what "->" offers on the resource. It is not known before the resource exists.
	Member(name string) (value any, known bool)
}

// A Deleter is a resource that a teardown run removes. The engine calls Delete only on what exists. A [Kept] error says
// that the resource was left on purpose.
type Deleter interface {
	Delete(ctx context.Context) error
}

// A Tidier does away with what a script no longer has, rather than with what it says. Without anything to do it is not
// spoken of.
type Tidier interface {
	Tidies()
}

// A Rereader looks again at what exists after a change of it that may or may not have been made. Of a resource that is none,
// Read does that.
type Rereader interface {
	Reread(ctx context.Context) error
}

// A Preparer has work to do on this machine before anything is compared, such as compiling a function. Preparations run
// beside the reading of the cloud, and not at all in a teardown run.
type Preparer interface {
	Prepare(ctx context.Context) error
}

// An Outputter has values that other programs need once it is in place, such as the address of an API.
type Outputter interface {
	Outputs() []Output
}

// Output is a value that a run has to offer.
type Output struct {
	Type     string `json:"type"`     // the resource's type, such as "aws.ApiGatewayV2.Api"
	Resource string `json:"resource"` // its name in the script
	Name     string `json:"name"`     // which value: "endpoint", "id", …
	Value    string `json:"value"`
}

// Kept is the reason why a Deleter left its resource where it is.
type Kept string

func (k Kept) Error() string { return string(k) }

// Provider knows a cloud and its types.
type Provider interface {
	// Open makes sure that the cloud answers and knows who asks. It runs once, before anything is read.
	Open(ctx context.Context) error
	// Expand adds the resources that the statement asks for to the graph. It makes no calls. Its error is a
	// token.Diagnostic or token.List.
	Expand(g *Graph, s *check.Statement) error
	// Explain puts an error that one of its resources returned into words: what was refused and why, and what to do
	// about it if that is known.
	Explain(err error) (message, hint string)
	// Unsure puts an error after which nobody knows whether the change was made, such as a lost answer, into words for
	// the progress; it is "" for any other error. The engine then looks at what exists and goes on from there.
	Unsure(err error) string
}
