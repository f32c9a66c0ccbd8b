package truth

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"quotewire/e2e/rig"
)

// reply is what a client of an HTTP API got.
type reply struct {
	status int
	header http.Header
	body   string
}

// request makes a request with Go's HTTP client. Headers are written as on the wire, "Name: value"; Host may be among them.
func request(t testing.TB, method, url, body string, headers ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("User-Agent", "") // else Go's client adds its own
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "Host":
			r.Host = value
		case "User-Agent":
			r.Header.Set(name, value)
		default:
			r.Header.Add(name, value)
		}
	}
	return do(t, http.DefaultClient, r)
}

func do(t testing.TB, client *http.Client, r *http.Request) reply {
	t.Helper()
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(text)}
}

// curl makes a request with curl, which sends paths as they are and signs if asked to. It returns the status and the body.
func curl(t testing.TB, args ...string) (status, body string) {
	t.Helper()
	rig.Need(t, "curl")
	out, errs, exit := rig.Run(t, nil, "curl", append([]string{"-sS", "--path-as-is", "-w", "\n%{http_code}"}, args...)...)
	if exit != 0 {
		t.Fatalf("curl %q: %s", args, errs)
	}
	at := strings.LastIndex(out, "\n")
	return out[at+1:], out[:at]
}

// json reads a body, such as the event that the probe answered with.
func (r reply) json(t testing.TB) answer {
	t.Helper()
	if r.status != 200 {
		t.Fatalf("got %d %s", r.status, r.body)
	}
	var v any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
	return answer{Answer: v}
}

// is checks the status and the body of a reply.
func (r reply) is(t testing.TB, status int, body string) {
	t.Helper()
	if r.status != status || r.body != body {
		t.Errorf("got %d %s, want %d %s", r.status, r.body, status, body)
	}
}

// The gateway's own answers.
const (
	notFound     = `{"message":"Not Found"}`
	unauthorized = `{"message":"Unauthorized"}`
	forbidden    = `{"message":"Forbidden"}`
	internal     = `{"message":"Internal Server Error"}`
	unavailable  = `{"message":"Service Unavailable"}`
)

// addRoute gives an API another route to an integration, with further parameters of CreateRoute, and returns its id.
func (a *api) addRoute(t testing.TB, key, integration string, more params) string {
	t.Helper()
	p := params{"ApiId": a.ID, "RouteKey": key, "Target": "integrations/" + integration}
	for name, v := range more {
		p[name] = v
	}
	return a.cloud.boto3(t).call(t, "apigatewayv2", "CreateRoute", p).str("RouteId")
}

// integration returns the id of the API's first integration.
func (a *api) integration(t testing.TB) string {
	t.Helper()
	return a.cloud.boto3(t).call(t, "apigatewayv2", "GetIntegrations", params{"ApiId": a.ID}).str("Items.0.IntegrationId")
}

// route returns the API's route of that key.
func (a *api) route(t testing.TB, key string) answer {
	t.Helper()
	for _, item := range a.cloud.boto3(t).call(t, "apigatewayv2", "GetRoutes", params{"ApiId": a.ID}).list("Items") {
		if r := (answer{Answer: item}); r.str("RouteKey") == key {
			return r
		}
	}
	t.Fatalf("there is no route %s", key)
	panic("unreachable")
}

// integrationOf returns the id of the integration that a route leads to.
func (a *api) integrationOf(t testing.TB, key string) string {
	t.Helper()
	return strings.TrimPrefix(a.route(t, key).str("Target"), "integrations/")
}

// updateRoute changes the API's route of that key.
func (a *api) updateRoute(t testing.TB, key string, change params) {
	t.Helper()
	p := params{"ApiId": a.ID, "RouteId": a.route(t, key).str("RouteId")}
	for name, v := range change {
		p[name] = v
	}
	a.cloud.boto3(t).call(t, "apigatewayv2", "UpdateRoute", p)
}
