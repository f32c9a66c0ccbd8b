package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
)

const (
	region = "us-east-1"
	stage  = "development"
)

// whoAmI answers a message with the id of its connection, in the form in which the load generator looks for it.
const whoAmI = `{"action":"quotes","connection-id":"$context.connectionId","quotes":[]}`

// deploy makes the API through the control plane, as any tool would, and returns its id. Messages are answered by a MOCK
// integration. $connect has the function of that ARN; for none it has no integration, and everybody is let in.
func deploy(ctx context.Context, config aws.Config, function string) (string, error) {
	client := apigatewayv2.NewFromConfig(config)
	api, err := client.CreateApi(ctx, &apigatewayv2.CreateApiInput{
		Name: aws.String("quotes"), ProtocolType: types.ProtocolTypeWebsocket, RouteSelectionExpression: aws.String("$request.body.action"),
	})
	if err != nil {
		return "", err
	}
	id := api.ApiId
	mock, err := client.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
		ApiId: id, IntegrationType: types.IntegrationTypeMock,
		RequestTemplates: map[string]string{"$default": `{"statusCode":200}`}, TemplateSelectionExpression: aws.String(`\$default`),
	})
	if err != nil {
		return "", err
	}
	if _, err := client.CreateIntegrationResponse(ctx, &apigatewayv2.CreateIntegrationResponseInput{
		ApiId: id, IntegrationId: mock.IntegrationId, IntegrationResponseKey: aws.String("$default"), ResponseTemplates: map[string]string{"$default": whoAmI},
		TemplateSelectionExpression: aws.String(`\$default`),
	}); err != nil {
		return "", err
	}
	route, err := client.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{
		ApiId: id, RouteKey: aws.String("$default"), Target: aws.String("integrations/" + *mock.IntegrationId), RouteResponseSelectionExpression: aws.String("$default"),
	})
	if err != nil {
		return "", err
	}
	if _, err := client.CreateRouteResponse(ctx, &apigatewayv2.CreateRouteResponseInput{ApiId: id, RouteId: route.RouteId, RouteResponseKey: aws.String("$default")}); err != nil {
		return "", err
	}
	if function != "" {
		in, err := client.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
			ApiId: id, IntegrationType: types.IntegrationTypeAwsProxy,
			IntegrationUri: aws.String("arn:aws:apigateway:" + region + ":lambda:path/2015-03-31/functions/" + function + "/invocations"),
		})
		if err != nil {
			return "", err
		}
		if _, err := client.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: id, RouteKey: aws.String("$connect"), Target: aws.String("integrations/" + *in.IntegrationId)}); err != nil {
			return "", err
		}
	}
	_, err = client.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: id, StageName: aws.String(stage), AutoDeploy: aws.Bool(true)})
	return *id, err
}
