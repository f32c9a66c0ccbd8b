package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	gateway "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamo "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	functions "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"quotewire/cloud"
	"quotewire/e2e/rig"
)

const (
	functionName = "soaked"
	tableName    = "soaked"
	stageName    = "soak"
	account      = "111122223333"

	diskSize = 512 << 20 // of the small file system that the state folder is on
)

// flags keep idle environments for a short time only, so that a quiet cloud has none.
var flags = []string{"--limit", "lambda.idle-timeout=2s", "--limit", "lambda.retry-delays=1s,2s"}

// system is a cloud with what the load needs on it.
type system struct {
	dir         string // everything below
	disk        string // what the state folder is on, for people
	whyNotSmall string // why the state folder is on no small file system, or ""
	binary      string
	process     *rig.Process
	client      *http.Client // of every call, so that its idle connections can be closed
	config      aws.Config
	zips        [2][]byte // two versions of the function's code
	hashes      [2]string
	socketURL   string
	callback    string
	httpURL     string
}

func openSystem(ctx context.Context) (_ *system, err error) {
	s := &system{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}}
	if s.dir, err = os.MkdirTemp("", "quotewire-soak-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	for _, folder := range []string{"state", "tmp"} {
		if err := os.Mkdir(filepath.Join(s.dir, folder), 0o700); err != nil {
			return nil, err
		}
	}
	s.disk = "a file system of its own"
	if err := syscall.Mount("tmpfs", s.state(), "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", diskSize)); err != nil {
		s.disk, s.whyNotSmall = "the machine's disk", fmt.Sprintf("a small file system cannot be mounted here (%v)", err)
	}
	if s.binary, err = rig.Build(s.dir, "quotewire/cmd/quotewire"); err != nil {
		return nil, err
	}
	probe, err := rig.Build(s.dir, "quotewire/e2e/truth/probe")
	if err != nil {
		return nil, err
	}
	program, err := os.ReadFile(probe)
	if err != nil {
		return nil, err
	}
	for i := range s.zips {
		if s.zips[i], err = zipOf(program, fmt.Sprint("version ", i)); err != nil {
			return nil, err
		}
		sum := sha256.Sum256(s.zips[i])
		s.hashes[i] = base64.StdEncoding.EncodeToString(sum[:])
	}
	if s.process, err = rig.Launch(s.binary, s.state(), filepath.Join(s.dir, "tmp"), "cloud", flags...); err != nil {
		return nil, err
	}
	root, err := cloud.ReadRoot(s.state())
	if err != nil {
		return nil, err
	}
	s.config = aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(s.process.Endpoints.Cloud), RetryMaxAttempts: 1, HTTPClient: s.client,
		Credentials: credentials.NewStaticCredentialsProvider(root.AccessKeyID, root.SecretAccessKey, ""),
	}
	if err := s.deploy(ctx); err != nil {
		return nil, fmt.Errorf("deploy: %w", err)
	}
	return s, nil
}

func (s *system) state() string { return filepath.Join(s.dir, "state") }

func (s *system) small() bool { return s.whyNotSmall == "" }

func (s *system) close() {
	if s.process != nil {
		s.process.Kill()
	}
	if s.small() {
		syscall.Unmount(s.state(), syscall.MNT_DETACH)
	}
	os.RemoveAll(s.dir)
}

// restart is kill -9, and a start on the same state and the same port.
func (s *system) restart(ctx context.Context) (err error) {
	host := strings.TrimPrefix(s.process.Endpoints.Cloud, "http://")
	s.process.Kill()
	// The port is free at once, but for functions that still hold connections to it.
	for range 100 {
		var l net.Listener
		if l, err = net.Listen("tcp", host); err == nil {
			l.Close()
			break
		}
		if err := wait(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	s.process, err = rig.Launch(s.binary, s.state(), filepath.Join(s.dir, "tmp"), "cloud", append(flags, "--listen", host)...)
	return err
}

const filler = "filler"

// fill takes all the room of the state folder's disk.
func (s *system) fill() error {
	f, err := os.Create(filepath.Join(s.state(), filler))
	if err != nil {
		return err
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4 << 10, 1} {
		block := make([]byte, size)
		for err == nil {
			_, err = f.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
		err = nil
	}
	return nil
}

func (s *system) free() { os.Remove(filepath.Join(s.state(), filler)) }

// quiet returns when a cloud without load has ended its connections and environments.
func (s *system) quiet(ctx context.Context) error {
	s.client.CloseIdleConnections()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		now, err := s.look(ctx)
		if err != nil {
			return err
		}
		if now.connections == 0 && now.functions == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("two minutes after the load there still are %s", now)
		}
		if err := wait(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// deploy creates the function, the table and the APIs.
func (s *system) deploy(ctx context.Context) error {
	role, err := iam.NewFromConfig(s.config).CreateRole(ctx, &iam.CreateRoleInput{
		RoleName:                 aws.String("soaked"),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
	})
	if err != nil {
		return err
	}
	if _, err = iam.NewFromConfig(s.config).PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName: aws.String("soaked"), PolicyName: aws.String("may"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:*","execute-api:*"],"Resource":"*"}]}`),
	}); err != nil {
		return err
	}
	l := lambda.NewFromConfig(s.config)
	function, err := l.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String(functionName), Runtime: functions.RuntimeProvidedal2023, Handler: aws.String("bootstrap"), Role: role.Role.Arn,
		Timeout: aws.Int32(10), Code: &functions.FunctionCode{ZipFile: s.zips[0]},
	})
	if err != nil {
		return err
	}
	if err := lambda.NewFunctionActiveV2Waiter(l).Wait(ctx, &lambda.GetFunctionInput{FunctionName: aws.String(functionName)}, time.Minute); err != nil {
		return err
	}
	if _, err := l.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: aws.String(functionName), StatementId: aws.String("gateway"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("apigateway.amazonaws.com"), SourceArn: aws.String("arn:aws:execute-api:us-east-1:" + account + ":*"),
	}); err != nil {
		return err
	}
	if _, err := dynamodb.NewFromConfig(s.config).CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String(tableName), BillingMode: dynamo.BillingModePayPerRequest,
		AttributeDefinitions: []dynamo.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: dynamo.ScalarAttributeTypeS}},
		KeySchema:            []dynamo.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: dynamo.KeyTypeHash}},
	}); err != nil {
		return err
	}
	if _, err := s3.NewFromConfig(s.config, func(o *s3.Options) { o.UsePathStyle = true }).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucketName)}); err != nil {
		return err
	}
	if err := s.deploySockets(ctx, *function.FunctionArn); err != nil {
		return err
	}
	return s.deployHTTP(ctx, *function.FunctionArn)
}

func (s *system) deploySockets(ctx context.Context, arn string) error {
	g := apigatewayv2.NewFromConfig(s.config)
	api, err := g.CreateApi(ctx, &apigatewayv2.CreateApiInput{
		Name: aws.String("sockets"), ProtocolType: gateway.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action"),
	})
	if err != nil {
		return err
	}
	in, err := g.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
		ApiId: api.ApiId, IntegrationType: gateway.IntegrationTypeAwsProxy,
		IntegrationUri: aws.String("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + arn + "/invocations"),
	})
	if err != nil {
		return err
	}
	for _, key := range []string{"$connect", "$disconnect", "tell", "$default"} {
		route := &apigatewayv2.CreateRouteInput{ApiId: api.ApiId, RouteKey: aws.String(key), Target: aws.String("integrations/" + *in.IntegrationId)}
		if key == "$default" {
			route.RouteResponseSelectionExpression = aws.String("$default")
		}
		r, err := g.CreateRoute(ctx, route)
		if err != nil {
			return err
		}
		if key != "$default" {
			continue
		}
		if _, err := g.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{ApiId: api.ApiId, RouteId: r.RouteId, RouteResponseKey: aws.String("$default")}); err != nil {
			return err
		}
	}
	if _, err := g.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api.ApiId, StageName: aws.String(stageName), AutoDeploy: aws.Bool(true)}); err != nil {
		return err
	}
	s.socketURL = *api.ApiEndpoint + "/" + stageName
	s.callback = strings.Replace(s.socketURL, "ws", "http", 1)
	return nil
}

func (s *system) deployHTTP(ctx context.Context, arn string) error {
	g := apigatewayv2.NewFromConfig(s.config)
	api, err := g.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("requests"), ProtocolType: gateway.ProtocolTypeHttp, Target: &arn})
	if err != nil {
		return err
	}
	s.httpURL = *api.ApiEndpoint
	return nil
}

// zipOf makes the code of a function: its program, and a file that tells one version from another.
func zipOf(program []byte, version string) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range map[string][]byte{"bootstrap": program, "version": []byte(version)} {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(0o755)
		w, err := z.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(content); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return b.Bytes(), err
}
