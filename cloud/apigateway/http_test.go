package apigateway

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"quotewire/cloud/lambda"
)

const publishARN = "arn:aws:lambda:us-east-1:111122223333:function:publish"

// httpAPI makes an HTTP API with the routes, all to the function, on an auto-deployed $default stage.
func (g *gateway) httpAPI(t testing.TB, format string, routes ...string) (id, base string) {
	t.Helper()
	ctx := t.Context()
	api := must(g.control.CreateApi(ctx, &apigatewayv2.CreateApiInput{Name: aws.String("stock-publish"), ProtocolType: types.ProtocolTypeHttp}))
	in := must(g.control.CreateIntegration(ctx, &apigatewayv2.CreateIntegrationInput{
		ApiId: api.ApiId, IntegrationType: types.IntegrationTypeAwsProxy, IntegrationUri: aws.String(publishARN), PayloadFormatVersion: &format,
	}))
	for _, key := range routes {
		must(g.control.CreateRoute(ctx, &apigatewayv2.CreateRouteInput{ApiId: api.ApiId, RouteKey: &key, Target: aws.String("integrations/" + *in.IntegrationId)}))
	}
	must(g.control.CreateStage(ctx, &apigatewayv2.CreateStageInput{ApiId: api.ApiId, StageName: aws.String("$default"), AutoDeploy: aws.Bool(true)}))
	return *api.ApiId, *api.ApiEndpoint
}

func TestRouteOfARequest(t *testing.T) {
	g := start(t, t.TempDir())
	id, base := g.httpAPI(t, "2.0", "GET /quotes/{ticker}", "ANY /quotes/{ticker}", "GET /quotes/EIQQ", "GET /{proxy+}", "GET /quotes/{proxy+}", "POST /")
	must(g.control.CreateStage(t.Context(), &apigatewayv2.CreateStageInput{ApiId: &id, StageName: aws.String("live"), AutoDeploy: aws.Bool(true)}))
	events := g.events()
	prefix := "arn:aws:execute-api:us-east-1:111122223333:" + id + "/"
	for _, test := range []struct{ method, path, want, source string }{
		{"GET", "/quotes/EIQQ", "GET /quotes/EIQQ", "$default/GET/quotes/EIQQ"},
		{"GET", "/quotes/NVTX", "GET /quotes/{ticker}", "$default/GET/quotes/{ticker}"},
		{"PUT", "/quotes/EIQQ", "ANY /quotes/{ticker}", "$default/PUT/quotes/{ticker}"},
		{"GET", "/quotes/a/b", "GET /quotes/{proxy+}", "$default/GET/quotes/{proxy+}"},
		{"GET", "/other", "GET /{proxy+}", "$default/GET/{proxy+}"},
		{"POST", "/", "POST /", "$default/POST/"},
		{"POST", "/live", "POST /", "live/POST/"},
		{"GET", "/live/quotes/EIQQ", "GET /quotes/EIQQ", "live/GET/quotes/EIQQ"},
		{"PUT", "/other", "", ""},
		{"GET", "/", "", ""},
		{"PUT", "/quotes/EIQQ/", "", ""},
	} {
		status, header, body := get(t, test.method, base+test.path, nil, "")
		if test.want == "" {
			if status != 404 || body != `{"message":"Not Found"}` || len(header.Get("apigw-requestid")) != 16 {
				t.Errorf("%s %s: %d %s %v, want 404", test.method, test.path, status, body, header)
			}
			continue
		}
		e := next(t, events)
		var route struct{ RouteKey, RawPath string }
		json.Unmarshal([]byte(e.text), &route)
		if route.RouteKey != test.want || e.invocation.SourceARN != prefix+test.source || route.RawPath != test.path {
			t.Errorf("%s %s: %+v for %s, want %s for %s", test.method, test.path, route, e.invocation.SourceARN, test.want, test.source)
		}
	}
}

func TestHTTPEvent(t *testing.T) {
	g := start(t, t.TempDir())
	id, base := g.httpAPI(t, "2.0", "POST /quotes/{ticker}")
	events := g.events()
	header := http.Header{"Content-Type": {"application/json"}, "Cookie": {"desk=equities; s=1"}, "X-List": {"a", "b"}, "User-Agent": {"test"}, "Accept-Encoding": {"gzip"}}
	get(t, "POST", base+"/quotes/EI%20QQ?src=feed&tag=a&tag=b%20c", header, `{"price":2200}`)
	text := next(t, events).text
	port := g.Authority[strings.LastIndex(g.Authority, ":")+1:]
	for _, mask := range [][2]string{
		{`Root=1-[0-9a-f]{8}-[0-9a-f]{24}`, "TRACE"}, {`"[\w-]{15}="`, `"ID"`}, {`\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000`, "TIME"},
		{regexp.QuoteMeta(g.Authority), "HOST"}, {`"` + port + `"`, `"PORT"`}, {id, "API"}, {`:1\d{12}`, ":MS"},
	} {
		text = regexp.MustCompile(mask[0]).ReplaceAllString(text, mask[1])
	}
	want := `{"version":"2.0","routeKey":"POST /quotes/{ticker}","rawPath":"/quotes/EI%20QQ","rawQueryString":"src=feed&tag=a&tag=b%20c","cookies":["desk=equities","s=1"],` +
		`"headers":{"accept-encoding":"gzip","content-length":"14","content-type":"application/json","host":"HOST","user-agent":"test","x-amzn-trace-id":"TRACE","x-forwarded-for":"127.0.0.1",` +
		`"x-forwarded-port":"PORT","x-forwarded-proto":"http","x-list":"a,b"},"queryStringParameters":{"src":"feed","tag":"a,b c"},` +
		`"requestContext":{"accountId":"111122223333","apiId":"API","domainName":"HOST","domainPrefix":"API",` +
		`"http":{"method":"POST","path":"/quotes/EI%20QQ","protocol":"HTTP/1.1","sourceIp":"127.0.0.1","userAgent":"test"},"requestId":"ID","routeKey":"POST /quotes/{ticker}",` +
		`"stage":"$default","time":"TIME","timeEpoch":MS},"body":"{\"price\":2200}","pathParameters":{"ticker":"EI QQ"},"isBase64Encoded":false}`
	if text != want {
		t.Errorf("event\n%s\nwant\n%s", text, want)
	}
	for contentType, want := range map[string]string{
		"text/plain": `"body":"a=b"`, "application/xml; charset=utf-8": `"body":"a=b"`, "application/vnd.x+json": `"body":"a=b"`,
		"application/x-www-form-urlencoded": `"body":"YT1i"`, "": `"body":"YT1i"`,
	} {
		get(t, "POST", base+"/quotes/x", http.Header{"Content-Type": {contentType}}, "a=b")
		if e := next(t, events); !strings.Contains(e.text, want) {
			t.Errorf("%s: %s, want %s", contentType, e.text, want)
		}
	}
}

func TestHTTPEventOfFormat1(t *testing.T) {
	g := start(t, t.TempDir())
	_, base := g.httpAPI(t, "1.0", "GET /quotes/{ticker}")
	events := g.events()
	get(t, "GET", base+"/quotes/EIQQ?tag=a&tag=b", nil, "")
	e := next(t, events)
	for _, want := range []string{
		`"version":"1.0","resource":"/quotes/{ticker}","path":"/quotes/EIQQ","httpMethod":"GET"`, `"queryStringParameters":{"tag":"b"},"multiValueQueryStringParameters":{"tag":["a","b"]}`,
		`"pathParameters":{"ticker":"EIQQ"},"stageVariables":null,"body":null,"isBase64Encoded":false`, `"userArn":null`,
	} {
		if !strings.Contains(e.text, want) {
			t.Errorf("event %s lacks %s", e.text, want)
		}
	}
}

func TestHTTPAnswer(t *testing.T) {
	g := start(t, t.TempDir())
	_, base := g.httpAPI(t, "2.0", "$default")
	const failed = `{"message":"Internal Server Error"}`
	for _, test := range []struct {
		payload     string
		functionErr string
		status      int
		contentType string
		body        string
	}{
		{`{"ok":true}`, "", 200, "application/json", `{"ok":true}`},
		{`"ok"`, "", 200, "application/json", `ok`},
		{`null`, "", 200, "application/json", `null`},
		{`[1,2]`, "", 200, "application/json", `[1,2]`},
		{`{"statusCode":201,"body":"made"}`, "", 201, "text/plain; charset=utf-8", `made`},
		{`{"statusCode":200,"headers":{"Content-Type":"text/html","X-N":1},"body":"aGk=","isBase64Encoded":true,"more":1}`, "", 200, "text/html", `hi`},
		{`{"statusCode":200,"body":{}}`, "", 500, "application/json", failed},
		{`{"statusCode":"x"}`, "", 500, "application/json", failed},
		{`{"statusCode":200,"headers":{"A":[]}}`, "", 500, "application/json", failed},
		{`{"errorMessage":"x"}`, "Unhandled", 500, "application/json", failed},
		{`no JSON`, "", 500, "application/json", failed},
	} {
		g.functions.set(func(context.Context, lambda.Invocation) (lambda.Result, error) {
			return lambda.Result{Payload: []byte(test.payload), FunctionError: test.functionErr}, nil
		})
		status, header, body := get(t, "GET", base+"/", nil, "")
		if status != test.status || header.Get("Content-Type") != test.contentType || body != test.body {
			t.Errorf("%s: %d %s %s, want %d %s %s", test.payload, status, header.Get("Content-Type"), body, test.status, test.contentType, test.body)
		}
	}
	g.functions.returns(`{"statusCode":204,"cookies":["a=1","b=2"],"headers":{"Connection":"x","Content-Length":"7"}}`)
	if status, header, _ := get(t, "GET", base+"/", nil, ""); status != 204 || strings.Join(header["Set-Cookie"], " ") != "a=1 b=2" {
		t.Errorf("cookies: %d %v", status, header)
	}
	for err, want := range map[error]int{context.DeadlineExceeded: 503, apiError(403, "AccessDeniedException"): 500, apiError(429, "TooManyRequestsException"): 503} {
		g.functions.set(func(context.Context, lambda.Invocation) (lambda.Result, error) { return lambda.Result{}, err })
		if status, _, body := get(t, "GET", base+"/", nil, ""); status != want {
			t.Errorf("%v: %d %s, want %d", err, status, body, want)
		}
	}
	if status, _, body := get(t, "POST", base+"/", nil, strings.Repeat("x", maxHTTPBody+1)); status != 413 || body != `{"message":"Request Entity Too Large"}` {
		t.Errorf("10 MB and a byte: %d %s", status, body)
	}
	if status, _, _ := get(t, "GET", base+"/", http.Header{"X": {strings.Repeat("x", maxHTTPHead)}}, ""); status != 431 {
		t.Errorf("long head: %d, want 431", status)
	}
}

func TestCORS(t *testing.T) {
	g := start(t, t.TempDir())
	id, base := g.httpAPI(t, "2.0", "GET /x")
	must(g.control.UpdateApi(t.Context(), &apigatewayv2.UpdateApiInput{ApiId: &id, CorsConfiguration: &types.Cors{
		AllowOrigins: []string{"https://quotes.example"}, AllowMethods: []string{"GET", "POST"}, AllowHeaders: []string{"*"}, MaxAge: aws.Int32(300), AllowCredentials: aws.Bool(true), ExposeHeaders: []string{"X-A"},
	}}))
	preflight := http.Header{"Origin": {"https://quotes.example"}, "Access-Control-Request-Method": {"POST"}}
	status, h, _ := get(t, "OPTIONS", base+"/no/route", preflight, "")
	if status != 204 || h.Get("Access-Control-Allow-Origin") != "https://quotes.example" || h.Get("Access-Control-Allow-Methods") != "GET,POST" ||
		h.Get("Access-Control-Allow-Headers") != "*" || h.Get("Access-Control-Max-Age") != "300" || h.Get("Access-Control-Allow-Credentials") != "true" {
		t.Errorf("preflight: %d %v", status, h)
	}
	preflight.Set("Origin", "https://other.example")
	if status, h, _ := get(t, "OPTIONS", base+"/x", preflight, ""); status != 204 || h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("preflight of another origin: %d %v", status, h)
	}
	g.functions.returns(`{"statusCode":200,"headers":{"access-control-allow-origin":"*"}}`)
	if _, h, _ := get(t, "GET", base+"/x", http.Header{"Origin": {"https://quotes.example"}}, ""); h.Get("Access-Control-Allow-Origin") != "https://quotes.example" ||
		h.Get("Access-Control-Expose-Headers") != "X-A" || h.Get("Vary") != "Origin" {
		t.Errorf("simple request: %v", h)
	}
	if _, h, _ := get(t, "GET", base+"/x", http.Header{"Origin": {"https://other.example"}}, ""); h["Access-Control-Allow-Origin"] != nil || h["Access-Control-Expose-Headers"] != nil {
		t.Errorf("simple request of another origin: %v", h)
	}
	must(g.control.DeleteCorsConfiguration(t.Context(), &apigatewayv2.DeleteCorsConfigurationInput{ApiId: &id}))
	if status, _, _ := get(t, "OPTIONS", base+"/x", preflight, ""); status != 404 {
		t.Errorf("preflight without CORS: %d, want 404", status)
	}
}

func TestQuickCreateForwardsToAnHTTPBackend(t *testing.T) {
	g := start(t, t.TempDir())
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Backend", "yes")
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, r.Method+" "+r.RequestURI+" "+string(body))
	}))
	t.Cleanup(backend.Close)
	api := must(g.control.CreateApi(t.Context(), &apigatewayv2.CreateApiInput{
		Name: aws.String("proxy"), ProtocolType: types.ProtocolTypeHttp, Target: aws.String(backend.URL + "/base/{proxy}"), RouteKey: aws.String("ANY /{proxy+}"),
	}))
	status, header, body := get(t, "PUT", *api.ApiEndpoint+"/a%20b/c?x=1", nil, "text")
	if status != 418 || header.Get("X-Backend") != "yes" || body != "PUT /base/a%20b/c?x=1 text" {
		t.Errorf("%d %v %s", status, header, body)
	}
	backend.Close()
	if status, _, body := get(t, "GET", *api.ApiEndpoint+"/x", nil, ""); status != 503 {
		t.Errorf("dead backend: %d %s, want 503", status, body)
	}
}

func TestCookiesAreOfFormat2(t *testing.T) {
	const said = `{"statusCode":200,"cookies":["a=1"],"multiValueHeaders":{"X-A":["b","c"]}}`
	for format, want := range map[string]answer{
		"1.0": {headers: map[string][]string{"X-A": {"b", "c"}}}, "2.0": {cookies: []string{"a=1"}},
	} {
		a, err := parseHTTPAnswer([]byte(said), format)
		if err != nil || !slices.Equal(a.cookies, want.cookies) || !slices.Equal(a.values("x-a"), want.values("x-a")) {
			t.Errorf("format %s: %+v %v, want %+v", format, a, err, want)
		}
	}
}

func FuzzHTTPAnswer(f *testing.F) {
	f.Add([]byte(`{"statusCode":"201","headers":{"a":1,"B":null},"cookies":["c=d"],"body":"aGk=","isBase64Encoded":true}`))
	f.Add([]byte(`"text"`))
	f.Add([]byte(`{"statusCode":200,"multiValueHeaders":{"a":["b",true]}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, format := range []string{"1.0", "2.0"} {
			a, err := parseHTTPAnswer(payload, format)
			if err == nil && (a.status < 200 || a.status > 599 || a.header("content-type") == "") {
				t.Errorf("%s was taken for %+v", payload, a)
			}
		}
	})
}

// A pattern that is accepted matches its own literal segments, whatever stands for its variables.
func FuzzPathPattern(f *testing.F) {
	f.Add("/quotes/{ticker}", "EIQQ")
	f.Add("/a/{proxy+}", "b")
	f.Add("/", "")
	f.Fuzz(func(t *testing.T, pattern, value string) {
		if checkPathPattern(pattern) != nil || value == "" {
			return
		}
		p := parsePathPattern("GET", pattern)
		var path []string
		for _, s := range p.segments {
			if s.variable {
				path = append(path, value)
			} else {
				path = append(path, s.text)
			}
		}
		variables, ok := p.match("GET", path)
		if !ok {
			t.Fatalf("%s does not match %q", pattern, path)
		}
		for name, got := range variables {
			if got != value {
				t.Errorf("%s: %s is %q, want %q", pattern, name, got, value)
			}
		}
	})
}
