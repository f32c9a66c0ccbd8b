package desk

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

func TestConfigIsWhatTheEnvironmentSays(t *testing.T) {
	env := map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "ASIA", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
		"AWS_ENDPOINT_URL": "https://127.0.0.1:4566",
	}
	config := Config(func(name string) string { return env[name] })
	got, err := config.Credentials.Retrieve(t.Context())
	if err != nil || got.AccessKeyID != "ASIA" || got.SecretAccessKey != "secret" || got.SessionToken != "token" {
		t.Errorf("credentials %+v, %v", got, err)
	}
	if config.Region != "eu-west-1" || config.BaseEndpoint == nil || *config.BaseEndpoint != "https://127.0.0.1:4566" {
		t.Errorf("region %q, endpoint %v", config.Region, config.BaseEndpoint)
	}
	env["AWS_ENDPOINT_URL_DYNAMODB"] = "https://tables"
	if got := Config(func(name string) string { return env[name] }).BaseEndpoint; *got != "https://tables" {
		t.Errorf("endpoint %s, want that of the service", *got)
	}
}

func TestDualStackEndpointIsUsedWhenAskedFor(t *testing.T) {
	config := Config(func(name string) string { return map[string]string{"AWS_REGION": "us-east-1"}[name] })
	client := sdk.NewFromConfig(config, dualStack(func(string) string { return "true" }))
	o := client.Options()
	endpoint, err := o.EndpointResolverV2.ResolveEndpoint(t.Context(), sdk.EndpointParameters{
		Region: &o.Region, UseDualStack: new(o.EndpointOptions.UseDualStackEndpoint == 1),
	})
	if err != nil || endpoint.URI.Host != "dynamodb.us-east-1.api.aws" {
		t.Errorf("endpoint %s, %v; want the dual-stack one", endpoint.URI.Host, err)
	}
}
