// Package schema describes what a script may say of resources: the types that ensure, find and coin take, the composite
// verbs, their properties and their members, each with its documentation.
//
// It is data only. The packages that bring resources fill a [Catalog]; the checker, the deployer, the reference pages
// and the editor support all read the same one. It knows no cloud.
package schema

// Kind is the kind of a value.
type Kind string

const (
	String Kind = "string"
	Number Kind = "number"
	Bool   Kind = "boolean"
	List   Kind = "list" // of strings, unless Property.Items says otherwise
	Map    Kind = "map"
	Object Kind = "object"         // another statement's resource; Property.Objects lists the types
	Value  Kind = "compound value" // read by one of Property.Readers after "<="
	Policy Kind = "policy document"
)

// Catalog is everything that a script can name.
type Catalog struct {
	Types   []*Type // what follows ensure, find and coin
	Verbs   []*Type // composite verbs with a property block, such as lambda.function: Name is the verb
	Readers []*Type // compound values with plain parts, such as aws.S3.Location: only Name, Doc and Properties count
	Consts  []Const // names with a fixed value, such as aws.principal.Service
}

// Type is a resource type, a composite verb or a reader.
type Type struct {
	Name       string
	Doc        string // one or more sentences
	Ensure     bool
	Find       bool
	Coin       bool
	Properties []Property // of ensure and coin, and of composite verbs and readers
	FindBy     []Property // of find
	Members    []Member   // what -> offers on a variable bound to it
	// Self is the member that stands for the object where a string is wanted: "arn", "name" or "id"; "" if none does.
	Self string
	// Notes are further sentences for the reference page alone: what is refused, what a teardown leaves.
	Notes string
	// Files and Policies say that files.copy and attachPolicy take it.
	Files    bool
	Policies bool
}

// Property is one line of a property block.
type Property struct {
	Name     string
	Doc      string
	Kinds    []Kind // any of these
	Items    []Kind // of a list's items; nil means strings
	Required bool
	Enum     []string   // the strings allowed; nil means any
	Readers  []string   // for Value: the readers allowed
	Objects  []string   // for Object: the types allowed; where String is allowed too, an object of these stands for its Self
	Default  string     // for the documentation
	With     string     // another property that must be given too whenever this one is
	Min, Max float64    // of a number; both 0 means any
	Numbers  []float64  // the numbers allowed; nil means any
	Fixed    bool       // it cannot be changed once the resource is there
	Entries  []Property // of a map, or of the maps in a list; nil means any names and values
}

// Member is a value that a bound resource offers.
type Member struct {
	Name string
	Doc  string
	Kind Kind
}

// Const is a name with a fixed string value.
type Const struct {
	Name  string
	Value string
}
