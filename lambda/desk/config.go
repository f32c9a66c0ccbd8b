package desk

import (
	"cmp"
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"quotewire/lambda/wire"
)

// Config is what the environment of a function says about AWS. Lambda puts the region and the credentials there, so the
// SDK's loader of profiles, single sign-on and instance metadata stays out of the binary, and out of the cold start.
func Config(getenv func(string) string) aws.Config {
	config := aws.Config{
		Region: cmp.Or(getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION")),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{
				AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
				SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
				SessionToken:    getenv("AWS_SESSION_TOKEN"),
				Source:          "environment",
			}, nil
		}),
		HTTPClient: &wire.Transport{},
	}
	if endpoint := cmp.Or(getenv("AWS_ENDPOINT_URL_DYNAMODB"), getenv("AWS_ENDPOINT_URL")); endpoint != "" {
		config.BaseEndpoint = aws.String(endpoint)
	}
	return config
}

// dualStack obeys AWS_USE_DUALSTACK_ENDPOINT, which a function needs in a VPC whose only way out is for IPv6.
func dualStack(getenv func(string) string) func(*sdk.Options) {
	return func(o *sdk.Options) {
		if getenv("AWS_USE_DUALSTACK_ENDPOINT") == "true" {
			o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
		}
	}
}
