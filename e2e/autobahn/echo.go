package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"quotewire/cloud"
	"quotewire/e2e/rig"
)

// echoServer answers each request with its body. It is the backend of the echo API: a function's payloads would be
// limited to 6 MB, and a MOCK integration does not see the message when it answers.
func echoServer() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body) // before the answer begins: a server may stop reading then
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		w.Write(body)
	}))
}

// echoAPI deploys an API that sends each message back, and returns its address.
func echoAPI(ctx context.Context, p *rig.Process, backend string) (string, error) {
	root, err := cloud.ReadRoot(p.Dir)
	if err != nil {
		return "", err
	}
	client := apigatewayv2.New(apigatewayv2.Options{
		Region: "us-east-1", BaseEndpoint: &p.Endpoints.Cloud,
		Credentials: credentials.NewStaticCredentialsProvider(root.AccessKeyID, root.SecretAccessKey, ""),
	})
	api, err := client.CreateApi(ctx, &apigatewayv2.CreateApiInput{
		Name: aws.String("echo"), ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action"),
	})
	if err != nil {
		return "", err
	}
	id := api.ApiId
	in, err := client.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
		ApiId: id, IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("POST"), IntegrationUri: &backend,
	})
	if err != nil {
		return "", err
	}
	route, err := client.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{
		ApiId: id, RouteKey: aws.String("$default"), Target: aws.String("integrations/" + *in.IntegrationId),
		RouteResponseSelectionExpression: aws.String("$default"),
	})
	if err != nil {
		return "", err
	}
	if _, err = client.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{
		ApiId: id, RouteId: route.RouteId, RouteResponseKey: aws.String("$default"),
	}); err != nil {
		return "", err
	}
	if _, err = client.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: id, StageName: aws.String("test"), AutoDeploy: aws.Bool(true)}); err != nil {
		return "", err
	}
	return "ws" + strings.TrimPrefix(p.Endpoints.Cloud, "http") + "/_aws/execute-api/" + *id + "/test", nil
}
