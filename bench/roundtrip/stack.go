package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	gateway "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"quotewire/cloud"
)

// stack is a running cloud with the API and the function in it.
type stack struct {
	process *os.Process
	url     string // of the API's stage
	lambda  *lambda.Client
	dir     string
	program string // the function's bootstrap
}

const (
	function = "echo"
	stage    = "live"
)

// deploy starts a cloud in dir and puts the API into it, with the function that a package is.
func deploy(ctx context.Context, dir, binary, pkg string) (_ *stack, err error) {
	s := &stack{dir: dir, program: filepath.Join(dir, "bootstrap")}
	if binary == "" {
		binary = filepath.Join(dir, "quotewire")
		if err := build(ctx, binary, "quotewire/cmd/quotewire"); err != nil {
			return nil, err
		}
	}
	if err := build(ctx, s.program, pkg); err != nil {
		return nil, err
	}
	config, err := s.start(binary)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	code, err := zipped(s.program)
	if err != nil {
		return nil, err
	}
	s.lambda = lambda.NewFromConfig(config)
	if err := s.createFunction(ctx, iam.NewFromConfig(config), code); err != nil {
		return nil, err
	}
	return s, s.createAPI(ctx, apigatewayv2.NewFromConfig(config))
}

func build(ctx context.Context, to, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-tags=lambda.norpc", "-ldflags=-s -w", "-o", to, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

func zipped(program string) ([]byte, error) {
	text, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	to, err := w.CreateHeader(header)
	if err == nil {
		if _, err = to.Write(text); err == nil {
			err = w.Close()
		}
	}
	return b.Bytes(), err
}

// start starts the cloud, with AWS's rates out of the way, and returns how to reach it as its root.
func (s *stack) start(binary string) (aws.Config, error) {
	state := filepath.Join(s.dir, "state")
	cmd := exec.Command(binary, "cloud", "--state", state, "--listen", "127.0.0.1:0",
		"--limit", "apigateway.request-rate=1000000", "--limit", "apigateway.request-burst=1000000")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return aws.Config{}, err
	}
	if err := cmd.Start(); err != nil {
		return aws.Config{}, err
	}
	s.process = cmd.Process
	ready := bufio.NewReader(out)
	for {
		line, err := ready.ReadString('\n')
		if err != nil {
			s.stop()
			return aws.Config{}, fmt.Errorf("%s cloud ended before it was ready", binary)
		}
		if strings.HasPrefix(line, "Ctrl-C") {
			break
		}
	}
	go io.Copy(io.Discard, ready)
	endpoints, err := cloud.ReadEndpoints(state)
	if err != nil {
		return aws.Config{}, err
	}
	root, err := cloud.ReadRoot(state)
	if err != nil {
		return aws.Config{}, err
	}
	s.url = "ws" + strings.TrimPrefix(endpoints.Cloud, "http")
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &endpoints.Cloud, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(root.AccessKeyID, root.SecretAccessKey, ""),
	}, nil
}

func (s *stack) stop() {
	s.process.Signal(os.Interrupt)
	s.process.Wait()
}

const (
	trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	allow = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"},
		{"Effect":"Allow","Action":"execute-api:ManageConnections","Resource":"arn:aws:execute-api:*:*:*/*/*/@connections/*"}]}`
)

func (s *stack) createFunction(ctx context.Context, roles *iam.Client, code []byte) error {
	name := aws.String(function)
	role, err := roles.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(trust)})
	if err != nil {
		return err
	}
	if _, err := roles.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: name, PolicyDocument: aws.String(allow)}); err != nil {
		return err
	}
	if _, err := s.lambda.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: name, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Role: role.Role.Arn,
		MemorySize: aws.Int32(1024), Timeout: aws.Int32(30), Code: &types.FunctionCode{ZipFile: code},
	}); err != nil {
		return err
	}
	if err := s.settled(ctx); err != nil {
		return err
	}
	_, err = s.lambda.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: name, StatementId: aws.String("gateway"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("apigateway.amazonaws.com"),
	})
	return err
}

// settled waits until the function is as it was last asked to be.
func (s *stack) settled(ctx context.Context) error {
	quick := func(o *lambda.FunctionUpdatedV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 5*time.Millisecond, 20*time.Millisecond
	}
	return lambda.NewFunctionUpdatedV2Waiter(s.lambda, quick).Wait(ctx, &lambda.GetFunctionInput{FunctionName: aws.String(function)}, time.Minute)
}

func (s *stack) createAPI(ctx context.Context, apis *apigatewayv2.Client) error {
	api, err := apis.CreateApi(ctx, &apigatewayv2.CreateApiInput{
		Name: aws.String("roundtrip"), ProtocolType: gateway.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action"),
	})
	if err != nil {
		return err
	}
	about, err := s.lambda.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String(function)})
	if err != nil {
		return err
	}
	integration, err := apis.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
		ApiId: api.ApiId, IntegrationType: gateway.IntegrationTypeAwsProxy,
		IntegrationUri: aws.String("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + *about.Configuration.FunctionArn + "/invocations"),
	})
	if err != nil {
		return err
	}
	if _, err := apis.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{
		ApiId: api.ApiId, RouteKey: aws.String("$default"), Target: aws.String("integrations/" + *integration.IntegrationId),
	}); err != nil {
		return err
	}
	if _, err := apis.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api.ApiId, StageName: aws.String(stage)}); err != nil {
		return err
	}
	if _, err := apis.CreateDeployment(ctx, &apigatewayv2.CreateDeploymentInput{ApiId: api.ApiId, StageName: aws.String(stage)}); err != nil {
		return err
	}
	s.url += "/_aws/execute-api/" + *api.ApiId + "/" + stage
	return nil
}
