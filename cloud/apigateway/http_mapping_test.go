package apigateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
)

func TestParametersAreMapped(t *testing.T) {
	g := start(t, t.TempDir())
	var seen *http.Request
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r
		body, _ := io.ReadAll(r.Body)
		w.Header()["X-List"] = []string{"a", "b"}
		w.Header().Set("X-Gone", "1")
		w.WriteHeader(404)
		io.WriteString(w, `{"got":`+string(body)+`}`)
	}))
	t.Cleanup(backend.Close)
	ctx := t.Context()
	api := must(g.control.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("proxy"), ProtocolType: types.ProtocolTypeHttp}))
	in := must(g.control.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
		ApiId: api.ApiId, IntegrationType: types.IntegrationTypeHttpProxy, IntegrationMethod: aws.String("ANY"), IntegrationUri: aws.String("http://${stageVariables.host}/base?fixed=1"),
		RequestParameters: map[string]string{
			"append:header.x-id": "$context.requestId", "overwrite:header.X-Old": "new", "remove:header.X-Away": "''", "append:header.x-none": "$request.header.none",
			"append:querystring.tag": "${request.path.ticker}-${request.body.n}", "overwrite:querystring.src": "$stageVariables.mode", "remove:querystring.secret": "''",
			"overwrite:path": "/v2${request.path}", "overwrite:header.Host": "backend.example",
		},
		ResponseParameters: map[string]map[string]string{
			"404": {"overwrite:statuscode": "203", "append:header.X-List": "c", "remove:header.x-gone": "''", "overwrite:header.x-n": "$response.body.got.n", "append:header.x-stage": "$context.stage/"},
		},
	}))
	must(g.control.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: api.ApiId, RouteKey: aws.String("POST /quotes/{ticker}"), Target: aws.String("integrations/" + *in.IntegrationId)}))
	must(g.control.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api.ApiId, StageName: aws.String("live"), AutoDeploy: aws.Bool(true),
		StageVariables: map[string]string{"host": strings.TrimPrefix(backend.URL, "http://"), "mode": "test"}}))
	status, h, body := get(t, "POST", *api.ApiEndpoint+"/live/quotes/EIQQ?tag=a&src=feed&secret=1", http.Header{"X-Old": {"o"}, "X-Away": {"a"}}, `{"n":7}`)
	if status != 203 || strings.Join(h["X-List"], ",") != "a,b,c" || h.Get("X-Gone") != "" || h.Get("X-N") != "7" || body != `{"got":{"n":7}}` {
		t.Fatalf("%d %v %s\n%s", status, h, body, g.log)
	}
	if got, want := seen.RequestURI, "/v2/quotes/EIQQ?fixed=1&src=test&tag=a&tag=EIQQ-7"; got != want {
		t.Errorf("the backend was asked for %s, want %s", got, want)
	}
	if s := seen.Header; len(s.Get("X-Id")) != 16 || s.Get("X-Old") != "new" || s["X-Away"] != nil || s["X-None"] != nil || seen.Host != "backend.example" ||
		s.Get("Via") == "" || !strings.Contains(s.Get("Forwarded"), "for=127.0.0.1;host="+g.Authority+";proto=http") {
		t.Errorf("the backend saw %s %v", seen.Host, s)
	}
	up := must(g.control.UpdateIntegration(ctx, &apigatewayv2.UpdateIntegrationInput{ApiId: api.ApiId, IntegrationId: in.IntegrationId,
		RequestParameters: map[string]string{"overwrite:path": ""}, ResponseParameters: map[string]map[string]string{"404": {}}}))
	if len(up.RequestParameters) != 8 || len(up.ResponseParameters) != 0 {
		t.Errorf("an empty value does not remove a mapping: %v %v", up.RequestParameters, up.ResponseParameters)
	}
}

func TestMappingsThatAreRefused(t *testing.T) {
	for _, test := range []struct{ key, value, want string }{
		{"append:header.Authorization", "x", "reserved"}, {"overwrite:header.X-Amz-Date", "x", "reserved"}, {"append:path", "/x", "keys are"},
		{"overwrite:statuscode", "200", "keys are"}, {"overwrite:header.", "x", "keys are"}, {"put:header.x", "x", "keys are"},
		{"append:header.x", "$request.cookie.x", "not a variable"}, {"append:header.x", "${request.path.x", "not closed"},
		{"append:header.x", "$response.header.x", "before there is a response"}, {"append:header.x y", "1", "no header's name"},
	} {
		in := integration{RequestParameters: map[string]string{test.key: test.value}}
		if err := in.checkMappings(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s = %s: %v, want %q", test.key, test.value, err, test.want)
		}
	}
	in := integration{ResponseParameters: map[string]map[string]string{"2xx": {"overwrite:statuscode": "200"}}}
	if err := in.checkMappings(); err == nil {
		t.Errorf("a status of 2xx was taken")
	}
}

func FuzzMapping(f *testing.F) {
	f.Add("append:header.x-id", "$context.requestId")
	f.Add("overwrite:path", "/a${request.path.b}/${request.body.c[0]['d']}")
	f.Add("overwrite:statuscode", "203")
	f.Fuzz(func(t *testing.T, key, value string) {
		for _, response := range []bool{false, true} {
			m, err := parseMapping(key, value, response)
			if err != nil {
				continue
			}
			k := &httpCall{served: served{stage: &stage{}, api: newAPI()}, request: httptest.NewRequest("GET", "/x?y=z", nil), body: []byte(`{"c":[{"d":1}]}`), answer: &answer{}}
			k.value(m.value)
		}
	})
}
