package check

import (
	_ "embed"
	"slices"
	"strings"

	"quotewire/dply/syntax"
	"quotewire/dply/token"
)

// constants are the names that mean the same in every script. The catalog may add more.
var constants = map[string]string{
	"aws.principal.AWS":        "AWS",
	"aws.principal.Service":    "Service",
	"aws.principal.CloudFront": "cloudfront.amazonaws.com",
	"aws.cond.StringEquals":    "StringEquals",
	"aws.SourceArn":            "aws:SourceArn",
}

// Words are no variables either.
var Words = []string{"true", "false", "sum", "hours", apis, region, account}

// What a run knows of itself.
const (
	region  = "run.region"
	account = "run.account"
)

// RunDocs describes them, for editors.
var RunDocs = map[string]string{
	region:  "The region of the run.",
	account: "The number of the run's account, which the cloud tells when it is deployed to.",
}

// UnknownAccount stands for run.account as long as no cloud was asked.
const UnknownAccount = "{" + account + "}"

// apis is the constant for all APIs of the run's region.
const apis = "aws.resource.APIGatewayV2"

// actionPrefix begins the constants that name an action: aws.action.S3.GetObject is s3:GetObject.
const actionPrefix = "aws.action."

// actionsText has a service of IAM policies a line, followed by its actions. A service without actions is known by name
// only. API Gateway's actions are HTTP methods.
//
//go:embed actions.txt
var actionsText string

var actions = func() map[string][]string {
	services := make(map[string][]string)
	for line := range strings.Lines(actionsText) {
		fields := strings.Fields(line)
		services[fields[0]] = fields[1:]
	}
	return services
}()

// constant is the value of a name that is no variable.
func (c *checker) constant(id syntax.Ident) (Value, bool) {
	text := func(s string) (Value, bool) { return String{id.Pos, s}, true }
	switch id.Name {
	case "true":
		return Number{id.Pos, 1}, true
	case "false":
		return Number{id.Pos, 0}, true
	case region:
		return text(c.config.Region)
	case account:
		return text(c.account())
	case apis:
		return text("arn:aws:apigateway:" + c.config.Region + "::/apis")
	}
	if s, ok := c.consts[id.Name]; ok {
		return text(s)
	}
	service, action, ok := strings.Cut(strings.TrimPrefix(id.Name, actionPrefix), ".")
	if !strings.HasPrefix(id.Name, actionPrefix) || !ok || service == "" || action == "" || strings.Contains(action, ".") {
		return nil, false
	}
	service = strings.ToLower(service)
	c.knownAction(id.Pos, service, action)
	return text(service + ":" + action)
}

// account is the number of the run's account, if there is a cloud that can tell.
func (c *checker) account() string {
	if c.config.Account != nil {
		if number := c.config.Account(); number != "" {
			return number
		}
	}
	return UnknownAccount
}

// knownAction warns of an action that is not in the list: AWS accepts it, and it allows nothing.
func (c *checker) knownAction(at token.Position, service, action string) {
	known, ok := actions[service]
	if !ok {
		c.report(at, "W03", "no service known as "+service, c.didYouMean(service, keys(actions))+"The action is used as it stands.")
	} else if len(known) > 0 && !slices.Contains(known, action) {
		c.report(at, "W03", "no action known as "+service+":"+action, c.didYouMean(action, known)+"The action is used as it stands.")
	}
}

// reserved reports whether a variable of that name would hide something.
func (c *checker) reserved(name string) bool {
	_, ok := c.consts[name]
	return ok || slices.Contains(Words, name) || strings.HasPrefix(name, actionPrefix)
}
