package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"quotewire/e2e/rig"
)

const enclosedScript = `A function in a network posts back whatever it is told.

    target enclosed
        ensure aws.S3.Bucket "enclosed-code"
            @teardown delete
        ensure aws.VPC.VPC "enclosed" => net
            @teardown delete

Here go the lines that lead out.

        lambda.function "echo" => echo
            @teardown delete
            Runtime <- "go"
            Timeout <- 5
            Code <= aws.S3.Location
                Bucket <- "enclosed-code"
                Key <- "lambda-echo.zip"
            Role <= aws.IAM.WithRole "echo-role"
                assume
                    allow "sts:AssumeRole"
                        principal aws.principal.Service "lambda.amazonaws.com"
                policy
                    allow aws.action.ec2.CreateNetworkInterface "*"
                        action aws.action.ec2.DescribeNetworkInterfaces aws.action.ec2.DeleteNetworkInterface
                    allow "logs:CreateLogGroup" "*"
                        action "logs:CreateLogStream" "logs:PutLogEvents"
                    allow "execute-api:ManageConnections" "*"
            VpcConfig <= aws.VPC.Config
                Subnets <- net->subnets
                SecurityGroups <- net->securityGroups
        api.gatewayV2 "enclosed"
            @teardown delete
            Protocol <- "websocket"
            RouteSelectionExpression <- "$request.body.action"
            integration "echo"
                Type <- "AWS_PROXY"
                Uri <- echo
            route "$default" "echo"
            stage "live"
`

const echoFunction = `package main

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
)

func main() {
	lambda.Start(func(ctx context.Context, e events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
		cfg, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return events.APIGatewayProxyResponse{}, err
		}
		at := "https://" + e.RequestContext.DomainName + "/" + e.RequestContext.Stage
		client := apigatewaymanagementapi.NewFromConfig(cfg, func(o *apigatewaymanagementapi.Options) { o.BaseEndpoint = &at })
		_, err = client.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &e.RequestContext.ConnectionID, Data: []byte(e.Body)})
		return events.APIGatewayProxyResponse{StatusCode: 200}, err
	})
}
`

// The advice about a function without a way out is lines of a script. Written where it says, each way leads out.
func TestTheWaysOutThatAreAdvisedLeadOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pkg := filepath.Join(dir, "lambda", "echo")
	if err := os.MkdirAll(pkg, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(pkg, "main.go"), echoFunction)
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(rig.Root(), name))
		if err != nil {
			t.Fatal(err)
		}
		write(filepath.Join(dir, name), string(text))
	}
	script := filepath.Join(dir, "enclosed.dply")
	check := func(text string) string {
		t.Helper()
		write(script, text)
		out, errs, status := rig.Run(t, os.Environ(), binary, "check", script)
		if status != 0 {
			t.Fatalf("check: status %d\n%s%s", status, out, errs)
		}
		return errs
	}
	advice := check(enclosedScript)
	if !strings.Contains(advice, "W10") {
		t.Fatalf("no warning of a network without a way out:\n%s", advice)
	}
	p := start(t, t.TempDir(), "cloud")
	// told deploys the script and returns what the function posts.
	told := func() string {
		t.Helper()
		out, errs, status := rig.Run(t, p.Env(), binary, "deploy", "--yes", "--output", filepath.Join(dir, "out.json"), script)
		if status != 0 {
			t.Fatalf("deploy: status %d\n%s%s", status, out, errs)
		}
		outputs, err := os.ReadFile(filepath.Join(dir, "out.json"))
		if err != nil {
			t.Fatal(err)
		}
		url := regexp.MustCompile(`ws://[^"]+/live`).FindString(string(outputs))
		s := dial(t, url, nil)
		s.Send(`{"kind":"anything"}`)
		return s.Text()
	}
	if got := told(); strings.Contains(got, "anything") {
		t.Fatalf("the function posts from a network without a way out: %s", got)
	}

	// The fourth way: statements between the network and the function.
	_, lines, found := strings.Cut(advice, "  4. ")
	_, lines, _ = strings.Cut(lines, "\n")
	lines, _, ends := strings.Cut(lines, "  An interface endpoint")
	if !found || !ends {
		t.Fatalf("no lines for a NAT gateway:\n%s", advice)
	}
	indent := len(lines) - len(strings.TrimLeft(lines, " "))
	var statements string
	for line := range strings.Lines(lines) {
		statements += strings.Repeat(" ", 8) + line[indent:]
	}
	const here = "Here go the lines that lead out.\n"
	if left := check(strings.Replace(enclosedScript, here, "\n"+statements+"\n", 1)); left != "" {
		t.Errorf("with a NAT gateway:\n%s", left)
	}
	if got := told(); got != `{"kind":"anything"}` {
		t.Errorf("through a NAT gateway comes %s", got)
	}

	// The first way: a line each on the network, in VpcConfig and on the API.
	six := strings.NewReplacer(
		"=> net\n            @teardown delete\n", "=> net\n            @teardown delete\n            EgressOnlyInternetGateway <- true\n",
		"aws.VPC.Config\n", "aws.VPC.Config\n                DualStack <- true\n",
		"<- \"websocket\"\n", "<- \"websocket\"\n            IpAddressType <- \"dualstack\"\n").Replace(enclosedScript)
	if out, status := quotewire(t, p.Env(), "destroy", "--yes", script); status != 0 {
		t.Fatalf("destroy: status %d\n%s", status, out)
	}
	if left := check(six); left != "" {
		t.Errorf("with an egress-only internet gateway:\n%s", left)
	}
	if got := told(); got != `{"kind":"anything"}` {
		t.Errorf("through an egress-only internet gateway comes %s", got)
	}
}
