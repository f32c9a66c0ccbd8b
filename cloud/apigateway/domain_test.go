package apigateway

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/aws/smithy-go"
	"github.com/coder/websocket"
)

// domain makes a domain name.
func (g *gateway) domain(t *testing.T, name string) *apigatewayv2.CreateDomainNameOutput {
	t.Helper()
	return must(g.control.CreateDomainName(t.Context(), &apigatewayv2.CreateDomainNameInput{DomainName: &name, DomainNameConfigurations: []types.DomainNameConfiguration{
		{CertificateArn: aws.String("arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d"), EndpointType: types.EndpointTypeRegional}}}))
}

func (g *gateway) mapping(t *testing.T, domain, key, api, stage string) (*apigatewayv2.CreateApiMappingOutput, error) {
	t.Helper()
	return g.control.CreateApiMapping(t.Context(), &apigatewayv2.CreateApiMappingInput{DomainName: &domain, ApiMappingKey: &key, ApiId: &api, Stage: &stage})
}

// at sends a GET to the gateway by a domain name.
func (g *gateway) at(t *testing.T, domain, path string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+g.Authority+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = domain
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func answerCode(err error) string {
	var refused smithy.APIError
	if errors.As(err, &refused) {
		return refused.ErrorCode()
	}
	return ""
}

// The longest key that the path begins with decides, and what follows it is the path of the request.
func TestDomainNameLeadsToTheMappedStage(t *testing.T) {
	g := start(t, t.TempDir())
	id, base := g.httpAPI(t, "2.0", "GET /prices", "GET /{proxy+}", "GET /")
	must(g.control.CreateStage(t.Context(), &apigatewayv2.CreateStageInput{ApiId: &id, StageName: aws.String("next"), AutoDeploy: aws.Bool(true)}))
	const name = "api.example.org"
	if c := g.domain(t, name).DomainNameConfigurations[0]; c.DomainNameStatus != types.DomainNameStatusAvailable || *c.ApiGatewayDomainName == "" || *c.HostedZoneId == "" {
		t.Errorf("configuration %+v", c)
	}
	if status, body := g.at(t, name, "/prices"); status != 403 || body != `{"message":"Forbidden"}` {
		t.Errorf("without a mapping: %d %s", status, body)
	}
	must(g.mapping(t, name, "v1", id, "$default"))
	must(g.mapping(t, name, "v1/next", id, "next"))
	events := g.events()
	for _, test := range []struct{ path, raw, stage, key string }{
		{"/v1/prices", "/prices", "$default", "GET /prices"},
		{"/v1", "/", "$default", "GET /"},
		{"/v1/next/prices", "/prices", "next", "GET /prices"},
		{"/v1/nextbest", "/nextbest", "$default", "GET /{proxy+}"},
		{"/v1/next/next/prices?a=b", "/next/prices", "next", "GET /{proxy+}"},
	} {
		g.at(t, name+":4566", test.path)
		var e struct {
			RawPath        string
			RouteKey       string
			RequestContext struct{ Stage, DomainName, DomainPrefix string }
		}
		json.Unmarshal([]byte(next(t, events).text), &e)
		if c := e.RequestContext; e.RawPath != test.raw || c.Stage != test.stage || e.RouteKey != test.key || c.DomainName != name || c.DomainPrefix != "api" {
			t.Errorf("%s: %+v, want %+v", test.path, e, test)
		}
	}
	for _, path := range []string{"/", "/v2/apis", "/v10/prices"} {
		if status, _ := g.at(t, name, path); status != 403 {
			t.Errorf("%s, which no mapping has: %d", path, status)
		}
	}
	must(g.control.UpdateApi(t.Context(), &apigatewayv2.UpdateApiInput{ApiId: &id, DisableExecuteApiEndpoint: aws.Bool(true)}))
	if status, _, _ := get(t, "GET", base+"/prices", nil, ""); status != 404 {
		t.Errorf("the API's own address answers %d", status)
	}
	if status, _ := g.at(t, name, "/v1/prices"); status != 200 {
		t.Errorf("its domain name answers %d", status)
	}
}

func TestDomainNameLeadsToAWebSocketAPI(t *testing.T) {
	dir := t.TempDir()
	const name = "watch.example.org"
	open := func(g *gateway, path string) error {
		c, _, err := websocket.Dial(t.Context(), "ws://"+g.Authority+path, &websocket.DialOptions{Host: name})
		if err == nil {
			c.CloseNow()
		}
		return err
	}
	t.Run("made", func(t *testing.T) {
		g := start(t, dir)
		id := g.webSocketAPI(t, "$connect", "$default")
		g.domain(t, name)
		must(g.mapping(t, name, "", id, "development"))
		must(g.mapping(t, name, "quotes", id, "development"))
		for path, want := range map[string]bool{"/": true, "": true, "/quotes": true, "/quotes/": true, "/development": false} {
			if err := open(g, path); (err == nil) != want {
				t.Errorf("%q: %v", path, err)
			}
		}
	})
	t.Run("kept", func(t *testing.T) {
		g := start(t, dir)
		if err := open(g, "/quotes"); err != nil {
			t.Errorf("after a restart: %v", err)
		}
		if _, err := g.control.DeleteDomainName(t.Context(), &apigatewayv2.DeleteDomainNameInput{DomainName: aws.String(name)}); err != nil {
			t.Fatal(err)
		}
		if err := open(g, "/quotes"); err == nil {
			t.Error("a domain name that is gone leads somewhere")
		}
	})
}

func TestDomainNamesAreChecked(t *testing.T) {
	g := start(t, t.TempDir())
	web, _ := g.httpAPI(t, "2.0", "GET /")
	socket := g.webSocketAPI(t, "$default")
	const name = "api.example.org"
	g.domain(t, name)
	first := must(g.mapping(t, name, "", web, "$default"))
	certificate := []types.DomainNameConfiguration{{CertificateArn: aws.String("arn:aws:acm:us-east-1:111122223333:certificate/other")}}
	create := func(name string, c []types.DomainNameConfiguration) error {
		_, err := g.control.CreateDomainName(t.Context(), &apigatewayv2.CreateDomainNameInput{DomainName: &name, DomainNameConfigurations: c})
		return err
	}
	mapped := func(key, api, stage string) error {
		_, err := g.mapping(t, name, key, api, stage)
		return err
	}
	for what, test := range map[string]struct {
		err  error
		want string
	}{
		"a second one":        {create(name, certificate), "ConflictException"},
		"capitals":            {create("API.Example.org", certificate), "ConflictException"},
		"no label":            {create("localhost", certificate), "BadRequestException"},
		"AWS's":               {create("x.execute-api.us-east-1.amazonaws.com", certificate), "BadRequestException"},
		"a wildcard":          {create("*.example.org", certificate), "BadRequestException"},
		"no certificate":      {create("b.example.org", []types.DomainNameConfiguration{{}}), "BadRequestException"},
		"no configuration":    {create("b.example.org", nil), "BadRequestException"},
		"a key twice":         {mapped("", web, "$default"), "ConflictException"},
		"a slash":             {mapped("/v1", web, "$default"), "BadRequestException"},
		"no such API":         {mapped("v1", "nosuchapi0", "$default"), "NotFoundException"},
		"no such stage":       {mapped("v1", web, "live"), "BadRequestException"},
		"another kind of API": {mapped("v1", socket, "development"), "BadRequestException"},
		"no such domain":      {func() error { _, err := g.mapping(t, "c.example.org", "", web, "$default"); return err }(), "NotFoundException"},
		"no such domain to get": {func() error {
			_, err := g.control.GetDomainName(t.Context(), &apigatewayv2.GetDomainNameInput{DomainName: aws.String("c.example.org")})
			return err
		}(), "NotFoundException"},
	} {
		if got := answerCode(test.err); got != test.want {
			t.Errorf("%s: %v, want %s", what, test.err, test.want)
		}
	}
	changed := must(g.control.UpdateDomainName(t.Context(), &apigatewayv2.UpdateDomainNameInput{DomainName: aws.String(name), DomainNameConfigurations: certificate}))
	if got := *changed.DomainNameConfigurations[0].CertificateArn; got != *certificate[0].CertificateArn {
		t.Errorf("the certificate is %s", got)
	}
	moved := must(g.control.UpdateApiMapping(t.Context(), &apigatewayv2.UpdateApiMappingInput{DomainName: aws.String(name), ApiMappingId: first.ApiMappingId, ApiId: &web, ApiMappingKey: aws.String("v2")}))
	if *moved.ApiMappingKey != "v2" || *moved.Stage != "$default" {
		t.Errorf("the mapping is %+v", moved)
	}
	if all := must(g.control.GetApiMappings(t.Context(), &apigatewayv2.GetApiMappingsInput{DomainName: aws.String(name)})); len(all.Items) != 1 {
		t.Errorf("mappings %+v", all.Items)
	}
	if all := must(g.control.GetDomainNames(t.Context(), &apigatewayv2.GetDomainNamesInput{})); len(all.Items) != 1 || *all.Items[0].DomainName != name {
		t.Errorf("domain names %+v", all.Items)
	}
}
