package types

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"quotewire/deploy"
	provider "quotewire/deploy/aws"
	"quotewire/dply"
)

// invoked is a script with two functions, of which FN is called: by an API with its parts, and by one part by part.
const invoked = `
    target order
        ensure aws.S3.Bucket "types-order-code" => code
            @teardown delete
        lambda.function "types-order-one" => one
            @teardown delete
            Runtime <- "go"
            Code <= aws.S3.Location
                Bucket <- code
                Key <- "lambda-hello.zip"
            Role <= aws.IAM.WithRole "types-order"
                assume
                    allow "sts:AssumeRole"
                        principal "Service" "lambda.amazonaws.com"
        lambda.function "types-order-two" => two
            @like one
        api.gatewayV2 "types-order"
            @teardown delete
            Protocol <- "websocket"
            RouteSelectionExpression <- "$request.body.action"
            integration "fn"
                Type <- "AWS_PROXY"
                Uri <- FN
            authorizer "gate"
                Type <- "lambda"
                Uri <- FN
                IdentitySources <- "route.request.header.Auth"
            route "$connect" "fn"
                Authorizer <- "gate"
            stage "live"
        ensure aws.ApiGatewayV2.Api "types-order-parts" => api
            @teardown delete
            Protocol <- "http"
        ensure aws.ApiGatewayV2.Integration "fn"
            @teardown delete
            Api <- api
            Type <- "AWS_PROXY"
            Uri <- FN
        lambda.addPermissions "types-order-parts"
            allow "lambda:InvokeFunction" (FN->arn)
                principal "Service" "apigateway.amazonaws.com"
`

// A call before its permission is there, or after it has been withdrawn, is refused: whoever comes in between gets an error.
func TestPermissionIsThereAsLongAsSomethingNeedsIt(t *testing.T) {
	t.Parallel()
	r := &trial{T: t, dir: folder(t)}
	r.config = r.wire.through(server(t, "cloud"))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	run := func(function string, mode deploy.Mode) []string {
		t.Helper()
		p, list := dply.Check(provider.Catalog(), []dply.Source{{Name: "order.dply", Text: []byte(strings.ReplaceAll(invoked, "FN", function))}})
		if p == nil {
			t.Fatal(list)
		}
		r.wire.take()
		_, err := deploy.Run(ctx, p, deploy.Options{Provider: provider.NewProvider(r.config), Mode: mode, Parallel: 1, ScriptDir: r.dir, CacheDir: filepath.Join(shared.dir, "cache")})
		if err != nil {
			t.Fatal(err)
		}
		return invocations(r.wire.take())
	}
	for _, c := range []struct {
		name  string
		calls []string
		order [][]string
	}{
		{"made", run("one", deploy.Deploy), [][]string{
			{"AddPermission types-order-fn-invoke", "CreateIntegration of the socket", "CreateRoute", "CreateStage", "CreateDeployment"},
			{"AddPermission types-order-gate-authorize", "CreateAuthorizer", "CreateRoute"},
			{"AddPermission types-order-partsSid0", "CreateIntegration"},
		}},
		{"led to another function", run("two", deploy.Deploy), [][]string{
			{"AddPermission types-order-fn-invoke", "UpdateIntegration of the socket", "CreateDeployment", "RemovePermission types-order-fn-invoke"},
			{"AddPermission types-order-gate-authorize", "UpdateAuthorizer", "CreateDeployment", "RemovePermission types-order-gate-authorize"},
			{"AddPermission types-order-partsSid0", "UpdateIntegration", "RemovePermission types-order-partsSid0"},
		}},
		{"destroyed", run("two", deploy.Teardown), [][]string{
			{"DeleteIntegration", "RemovePermission types-order-fn-invoke"},
			{"DeleteAuthorizer", "RemovePermission types-order-gate-authorize"},
		}},
	} {
		for _, order := range c.order {
			at := -1
			for _, name := range order {
				i := slices.Index(c.calls, name)
				if i <= at {
					t.Errorf("%s: %s is not after what comes before it in %q: %q", c.name, name, order, c.calls)
				}
				at = i
			}
		}
	}
}

// invocations are the calls that change who invokes a function, by what they are about.
func invocations(calls []call) []string {
	var all []string
	for _, c := range calls {
		in, _ := c.Input.(map[string]any)
		name := c.Operation
		if id, ok := in["StatementId"].(string); ok {
			name += " " + id
		}
		if uri, _ := in["IntegrationUri"].(string); strings.Contains(uri, ":apigateway:") { // which HTTP APIs do without
			name += " of the socket"
		}
		all = append(all, name)
	}
	return all
}
