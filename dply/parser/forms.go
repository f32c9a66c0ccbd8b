package parser

// form is what the line and the block of a verb look like.
type form struct {
	usage string // the line, as shown to somebody who got it wrong
	args  arguments
	min   int // number of arguments
	max   int // -1 for any number
	block block
	value value
}

// arguments says how what follows a verb is read.
type arguments uint8

const (
	words      arguments = iota // atoms
	typed                       // a type, then perhaps a name
	named                       // a name
	expression                  // one expression, to the end of the line
)

// block says what may stand in the block below a line.
type block uint8

const (
	nothing block = iota
	properties
	api
	policy
)

// value says whether a verb has a value to bind with =>.
type value uint8

const (
	optional value = iota
	required
	none
)

// verbs are those that the grammar names. Any other verb has the form of unknownVerb.
var verbs = map[string]form{
	"ensure": {`ensure TYPE "name" [=> variable]`, typed, 1, 2, properties, optional},
	"find":   {`find TYPE "name" => variable`, typed, 1, 2, properties, required},
	"coin":   {`coin TYPE "name" => variable`, typed, 1, 2, properties, required},

	"env":          {`env "NAME" => variable`, expression, 1, 1, nothing, required},
	"show":         {`show VALUE…`, words, 1, -1, nothing, none},
	"files.dir":    {`files.dir "/absolute" "relative"… => variable`, words, 1, -1, nothing, required},
	"files.copy":   {`files.copy DIRECTORY BUCKET`, words, 2, 2, nothing, none},
	"policy":       {`policy => variable`, words, 0, 0, policy, required},
	"attachPolicy": {`attachPolicy RESOURCE POLICY`, words, 2, 2, nothing, none},

	"lambda.function":                {`lambda.function "name" [=> variable]`, named, 0, 1, properties, optional},
	"lambda.addPermissions":          {`lambda.addPermissions "statement-name"`, named, 1, 1, policy, none},
	"lambda.publishVersion":          {`lambda.publishVersion`, words, 0, 0, properties, none},
	"api.gatewayV2":                  {`api.gatewayV2 "name" [=> variable]`, named, 0, 1, api, optional},
	"cloudfront.distribution.fromS3": {`cloudfront.distribution.fromS3 "name" [=> variable]`, named, 0, 1, properties, optional},
	"cloudfront.invalidate":          {`cloudfront.invalidate DISTRIBUTION-ID`, expression, 0, 1, properties, none},
}

var unknownVerb = form{"", words, 0, -1, properties, optional}

// Verbs are the names of all verbs of the grammar, in no order.
func Verbs() []string {
	names := make([]string, 0, len(verbs))
	for name := range verbs {
		names = append(names, name)
	}
	return names
}

// Usage is what the line of a verb looks like, or "" if the grammar does not name the verb.
func Usage(verb string) string { return verbs[verb].usage }
