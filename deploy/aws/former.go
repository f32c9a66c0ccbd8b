package aws

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"quotewire/deploy"
)

// formerPermissions are those that let the API invoke a function for a part that the script no longer has, or whose function
// is another one by now. Nothing lists what an API may invoke, so they are looked for where they can be: at the functions
// that the API's parts call as long as nothing has changed, and at those of the script, where a run that was cut off may
// have left one.
type formerPermissions struct {
	api    *api
	wanted []*permission
	found  map[string]map[string]grant // by function or alias, and by id
}

// wants notes a permission that is not a former one, and returns it.
func (f *formerPermissions) wants(p *permission) *permission {
	f.wanted = append(f.wanted, p)
	return p
}

func (f *formerPermissions) String() string            { return "former permissions of " + f.api.name }
func (f *formerPermissions) Exists() bool              { return false } // they go with the functions
func (f *formerPermissions) Tidies()                   {}
func (f *formerPermissions) Member(string) (any, bool) { return nil, false }

func (f *formerPermissions) Read(ctx context.Context) error {
	f.found = map[string]map[string]grant{}
	if f.api.id == "" {
		return nil
	}
	for _, function := range f.callees() {
		all, err := f.api.p.grants(ctx, function)
		if err != nil {
			return err
		}
		maps.DeleteFunc(all, func(id string, g grant) bool { return callee(g.Function) != function || !f.api.permitted(id, g) })
		f.found[function] = all
	}
	return nil
}

// callees are the functions and aliases that may have a permission of the API, each once.
func (f *formerPermissions) callees() []string {
	g := f.api.graph
	all := slices.Concat(g.Names("aws.Lambda.Function"), g.Names("aws.Lambda.Alias"))
	for _, i := range f.api.existing.integrations {
		if ours(i) && i.IntegrationType != types.IntegrationTypeHttpProxy {
			all = append(all, callee(functionARN(aws.ToString(i.IntegrationUri))))
		}
	}
	for _, a := range f.api.existing.authorizers {
		if uri := aws.ToString(a.AuthorizerUri); uri != "" {
			all = append(all, callee(functionARN(uri)))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// callee is the name of a function, with the qualifier that its ARN or name has.
func callee(function string) string {
	name, qualifier := splitFunction(function)
	if qualifier == "" {
		return name
	}
	return name + ":" + qualifier
}

// former lists the permissions that are to go.
func (f *formerPermissions) former() [][2]string { return unwanted(f.found, f.wanted) }

// unwanted lists the statements that are none of the wanted ones, by function and id.
func unwanted(found map[string]map[string]grant, wanted []*permission) (all [][2]string) {
	for _, function := range slices.Sorted(maps.Keys(found)) {
		for _, id := range slices.Sorted(maps.Keys(found[function])) {
			if !slices.ContainsFunc(wanted, func(p *permission) bool {
				want, _ := p.want()
				return p.id == id && callee(want.Function) == function
			}) {
				all = append(all, [2]string{function, id})
			}
		}
	}
	return all
}

func (f *formerPermissions) Plan() (deploy.Step, error) {
	var changes []deploy.Change
	for _, p := range f.former() {
		changes = append(changes, deploy.Change{Property: fmt.Sprintf("%s on %s removed", p[1], p[0])})
	}
	return updateIf(changes), nil
}

func (f *formerPermissions) Apply(ctx context.Context) error {
	for _, p := range f.former() {
		if err := f.api.p.withdraw(ctx, p[0], p[1]); err != nil {
			return err
		}
	}
	return nil
}

var notInID = regexp.MustCompile(`[^A-Za-z0-9_-]`)

// permissionID is the id of the statement that lets the API invoke a function for a part.
func (a *api) permissionID(part, what string) string {
	return statementID(a.name + "-" + part + "-" + what)
}

// statementID makes the id of a statement, which has at most 100 of few characters, of a text.
func statementID(text string) string {
	id := notInID.ReplaceAllString(text, "-")
	return id[:min(len(id), 100)]
}

// permitted reports whether a statement lets this API invoke a function, and was made by the deployer.
func (a *api) permitted(id string, g grant) bool {
	return strings.HasPrefix(id, statementID(a.name+"-")) && g.Principal == "apigateway.amazonaws.com" && strings.HasPrefix(g.SourceArn, a.executeARN()+"/")
}
