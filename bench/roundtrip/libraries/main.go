// Command libraries is a function that does what echo does, written as AWS's documentation has it: with AWS's library for
// functions and the client of its SDK.
package main

import (
	"context"
	"log"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	var client *apigatewaymanagementapi.Client // of the one stage that calls
	lambda.Start(func(ctx context.Context, event events.APIGatewayWebsocketProxyRequest) (events.APIGatewayProxyResponse, error) {
		about := event.RequestContext
		if client == nil {
			client = apigatewaymanagementapi.NewFromConfig(cfg, func(o *apigatewaymanagementapi.Options) {
				o.BaseEndpoint = aws.String("https://" + about.DomainName + "/" + about.Stage)
			})
		}
		var err error
		if about.EventType == "MESSAGE" {
			_, err = client.PostToConnection(ctx, &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: &about.ConnectionID, Data: []byte(event.Body)})
		}
		return events.APIGatewayProxyResponse{StatusCode: http.StatusOK}, err
	})
}
