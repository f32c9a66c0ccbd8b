package lambda

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// url gives a function a URL that everyone may call, and returns its address at the test's own front door.
func (c *cloud) functionURL(t *testing.T, in awslambda.CreateFunctionUrlConfigInput) string {
	t.Helper()
	in.FunctionName = aws.String("watch")
	if in.AuthType == "" {
		in.AuthType = types.FunctionUrlAuthTypeNone
	}
	out, err := c.client.CreateFunctionUrlConfig(t.Context(), &in)
	if err != nil {
		t.Fatal(err)
	}
	if in.AuthType == types.FunctionUrlAuthTypeNone {
		for _, p := range []awslambda.AddPermissionInput{
			{StatementId: aws.String("url"), Action: aws.String("lambda:InvokeFunctionUrl"), FunctionUrlAuthType: types.FunctionUrlAuthTypeNone},
			{StatementId: aws.String("invoke"), Action: aws.String("lambda:InvokeFunction"), InvokedViaFunctionUrl: aws.Bool(true)},
		} {
			p.FunctionName, p.Principal, p.Qualifier = in.FunctionName, aws.String("*"), in.Qualifier
			if _, err := c.client.AddPermission(t.Context(), &p); err != nil {
				t.Fatal(err)
			}
		}
	}
	return c.url + strings.TrimPrefix(aws.ToString(out.FunctionUrl), c.Endpoint)
}

func request(t *testing.T, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return do(t, r)
}

func do(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res, string(text)
}

func TestFunctionURLMakesAnEventOfARequest(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "raw")
	url := c.functionURL(t, awslambda.CreateFunctionUrlConfigInput{})
	res, text := request(t, "POST", url+"quotes/a%20b?x=1&x=2", `{"a":1}`, "Cookie", "one=1; two=2", "Content-Type", "application/json", "X-Many", "v")
	var e urlEvent
	if err := json.Unmarshal([]byte(text), &e); err != nil || res.StatusCode != 200 {
		t.Fatalf("got %d, %s: %v", res.StatusCode, text, err)
	}
	if e.Version != "2.0" || e.RawPath != "/quotes/a%20b" || e.RawQueryString != "x=1&x=2" || e.QueryStringParameters["x"] != "1,2" ||
		len(e.Cookies) != 2 || e.Headers["x-many"] != "v" || e.Body != `{"a":1}` || e.IsBase64Encoded || e.RequestContext.HTTP.Method != "POST" ||
		e.RequestContext.AccountID != "anonymous" || !strings.HasSuffix(e.RequestContext.DomainName, ".lambda-url.us-east-1.on.aws") {
		t.Errorf("the event is %s", text)
	}
	if _, text = request(t, "POST", url, "\xff\x00"); !strings.Contains(text, `"body":"/wA=","isBase64Encoded":true`) {
		t.Errorf("the event of a binary body is %s", text)
	}
}

func TestFunctionURLNeedsBothPermissions(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "raw")
	url := c.functionURL(t, awslambda.CreateFunctionUrlConfigInput{})
	if _, err := c.client.RemovePermission(t.Context(), &awslambda.RemovePermissionInput{FunctionName: aws.String("watch"), StatementId: aws.String("invoke")}); err != nil {
		t.Fatal(err)
	}
	res, text := request(t, "GET", url, "")
	if res.StatusCode != 403 || text != `{"Message":"Forbidden"}` || res.Header.Get("x-amzn-ErrorType") != "AccessDeniedException" {
		t.Errorf("without lambda:InvokeFunction: %d %s %v", res.StatusCode, text, res.Header)
	}
	if res, _ := request(t, "GET", c.url+urlPathPrefix+"nobody/", ""); res.StatusCode != 403 {
		t.Errorf("a URL that is none answers %d, want 403", res.StatusCode)
	}
}

func TestSignedFunctionURL(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "raw")
	url := c.functionURL(t, awslambda.CreateFunctionUrlConfigInput{AuthType: types.FunctionUrlAuthTypeAwsIam})
	if res, text := request(t, "GET", url, ""); res.StatusCode != 403 || text != `{"Message":"Forbidden"}` {
		t.Errorf("an unsigned request: %d %s", res.StatusCode, text)
	}
	signed := func(key, secret string) *http.Request {
		r, _ := http.NewRequestWithContext(t.Context(), "GET", url+"x", nil)
		empty := sha256.Sum256(nil)
		if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}, r, hex.EncodeToString(empty[:]), "lambda", region, time.Now()); err != nil {
			t.Fatal(err)
		}
		return r
	}
	res, text := do(t, signed("test", "test"))
	if res.StatusCode != 200 || !strings.Contains(text, `"userArn":"arn:aws:iam::111122223333:root"`) || strings.Contains(text, `"authorization"`) {
		t.Errorf("a signed request: %d %s", res.StatusCode, text)
	}
	if res, _ := do(t, signed("test", "wrong")); res.StatusCode != 403 {
		t.Errorf("a wrong signature: %d, want 403", res.StatusCode)
	}
}

func TestFunctionURLAnswers(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "library")
	url := c.functionURL(t, awslambda.CreateFunctionUrlConfigInput{Cors: &types.Cors{AllowOrigins: []string{"https://a.example"}, AllowMethods: []string{"GET"}, MaxAge: aws.Int32(60)}})
	res, text := request(t, "GET", url, "", "Origin", "https://a.example")
	if res.StatusCode != 200 || !strings.Contains(text, `"Calls":1`) || res.Header.Get("Content-Type") != "application/json" || res.Header.Get("Access-Control-Allow-Origin") != "https://a.example" {
		t.Errorf("a value that is no response: %d %s %v", res.StatusCode, text, res.Header)
	}
	res, _ = request(t, "OPTIONS", url, "", "Origin", "https://a.example", "Access-Control-Request-Method", "GET")
	if res.StatusCode != 200 || res.Header.Get("Access-Control-Allow-Methods") != "GET" || res.Header.Get("Access-Control-Max-Age") != "60" {
		t.Errorf("a preflight: %d %v", res.StatusCode, res.Header)
	}
	if info := c.info(t, "watch"); info.Calls != 2 {
		t.Errorf("the function was called %d times, want 2: a preflight does not reach it", info.Calls)
	}
	for _, test := range []struct {
		payload string
		status  int
		body    string
		header  string
	}{
		{`{"statusCode":201,"headers":{"x-a":"b","x-n":7},"cookies":["a=b"],"body":"aGk=","isBase64Encoded":true}`, 201, "hi", "b"},
		{`"text"`, 200, "text", ""},
		{`{"statusCode":"404","body":"no"}`, 404, "no", ""},
	} {
		a, err := parseURLAnswer([]byte(test.payload))
		if err != nil || a.status != test.status || string(a.body) != test.body || a.headers["X-A"] != test.header {
			t.Errorf("%s: %+v, %v", test.payload, a, err)
		}
	}
	for _, bad := range []string{`{"statusCode":99}`, `{"statusCode":200,"body":{}}`, `{"statusCode":200,"body":"%","isBase64Encoded":true}`, `not json`} {
		if _, err := parseURLAnswer([]byte(bad)); err == nil {
			t.Errorf("%s is taken for an answer", bad)
		}
	}
}

func FuzzFunctionURLAnswer(f *testing.F) {
	for _, seed := range []string{`{"statusCode":201,"headers":{"x-a":"b"},"cookies":["a=b"],"body":"aGk=","isBase64Encoded":true}`, `"text"`, `null`, `{"statusCode":null}`, `{"statusCode":"","body":null}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		if a, err := parseURLAnswer(payload); err == nil {
			w := httptest.NewRecorder()
			a.head(w, httptest.NewRequest("GET", "/", nil), &functionURL{Cors: &cors{AllowOrigins: []string{"*"}}})
			w.WriteHeader(a.status)
		}
		readPrelude(bytes.NewReader(payload))
	})
}

func TestStreamingURL(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.function(t, "library")
	url := c.functionURL(t, awslambda.CreateFunctionUrlConfigInput{InvokeMode: types.InvokeModeResponseStream})
	// A function that does not stream is shown as it answers.
	if res, text := request(t, "GET", url, ""); res.StatusCode != 200 || !strings.Contains(text, `"Calls":1`) {
		t.Errorf("got %d %s", res.StatusCode, text)
	}
}

func TestURLIsKnownByItsAddresses(t *testing.T) {
	t.Parallel()
	c := start(t)
	for _, test := range []struct{ host, path, id, below string }{
		{"abc.lambda-url.us-east-1.on.aws", "/x/y", "abc", "/x/y"},
		{"ABC.lambda-url.localhost:4566", "/", "abc", "/"},
		{"abc.lambda-url.us-east-1.localhost", "/a%2Fb", "abc", "/a%2Fb"},
		{"127.0.0.1:4566", urlPathPrefix + "abc/x", "abc", "/x"},
		{"localhost", urlPathPrefix + "abc", "abc", "/"},
		{"abc.lambda-url.eu-west-1.on.aws", "/", "", ""},
		{"127.0.0.1", "/abc", "", ""},
	} {
		r := httptest.NewRequest("GET", "http://"+test.host+test.path, nil)
		id, below, ok := c.ResolveURL(r)
		if id != test.id || below != test.below || ok != (test.id != "") {
			t.Errorf("%s%s is %q, %q, %v; want %q, %q", test.host, test.path, id, below, ok, test.id, test.below)
		}
	}
}
