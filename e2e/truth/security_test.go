package truth

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"quotewire/cloud"
	"quotewire/e2e/rig"
)

// attacks is what came of the attempts of attack.mjs.
type attacks struct {
	ReboundPage, ReboundServices, ReboundAPI, ReboundSocket, ReboundLink   string
	ForeignRead, ForeignPreflight, ForeignServicesSocket, ForeignAPISocket string
	Foreign                                                                map[string]int
	Form, Own                                                              int
	OwnSocket                                                              string
}

func TestSecurityOfTheFrontDoor(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py := c.boto3(t)
	const source = "IAM §1"

	var once sync.Once
	var saw attacks
	attack := func(t *testing.T) attacks {
		t.Helper()
		rig.Need(t, "node")
		once.Do(func() {
			site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				io.WriteString(w, "<!doctype html><title>a stranger's page</title><body>")
			}))
			defer site.Close()
			api := c.webSocketAPI(t, c.function(t, "attacked"), oneWay("$default"))
			name := unique("attacked")
			py.call(t, "s3", "CreateBucket", params{"Bucket": name})
			link := presigned(t, c, c.key, c.secret, "s3", "GET", "/"+name+"?X-Amz-Expires=600", now())
			out := rig.Tool(t, os.Environ(), "node", "truth/attack.mjs", c.Endpoint, site.URL, api.URL, link)
			if err := json.Unmarshal([]byte(out), &saw); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
		return saw
	}
	const why = "AWS's endpoints are no machine of a developer's; here every page in his browser could reach them"
	difference(t, "a page whose name was made to lead here (DNS rebinding) is refused, whatever it asks for", source, browser, why, func(t *testing.T) {
		got := attack(t)
		for what, text := range map[string]string{"the page": got.ReboundPage, "services": got.ReboundServices, "an API": got.ReboundAPI, "a presigned link": got.ReboundLink} {
			if !strings.Contains(text, "403 ") || !strings.Contains(text, "this cloud does not answer for the host") {
				t.Errorf("%s: %s", what, text)
			}
		}
		if got.ReboundSocket != "refused" {
			t.Errorf("a WebSocket: %s", got.ReboundSocket)
		}
	})
	difference(t, "a page of another site can read nothing of the cloud and reach none of its services", source, browser, why, func(t *testing.T) {
		got := attack(t)
		if got.ForeignRead != "TypeError" || got.ForeignPreflight != "TypeError" || got.ForeignServicesSocket != "refused" {
			t.Errorf("it saw %q, %q, %q", got.ForeignRead, got.ForeignPreflight, got.ForeignServicesSocket)
		}
		for _, request := range []string{"POST /2015-03-31/functions", "POST /bucket", "OPTIONS /v2/apis"} {
			if status := got.Foreign[request]; status != 403 {
				t.Errorf("%s: %d; all: %v", request, status, got.Foreign)
			}
		}
	})
	difference(t, "a form of another site that is sent to the cloud does nothing", source, browser, why, func(t *testing.T) {
		if got := attack(t); got.Form != 403 {
			t.Errorf("the form: %d", got.Form)
		}
		refusedAs(t, py.fail(t, "iam", "GetUser", params{"UserName": "evil"}), 404, "NoSuchEntity", "evil")
	})
	rule(t, "a page of any origin may open a WebSocket of a deployed API: whom to serve is for its authorizer to say", "WebSocket §2", browser, func(t *testing.T) {
		if got := attack(t); got.ForeignAPISocket != "open" || got.OwnSocket != "open" {
			t.Errorf("foreign: %s, own: %s", got.ForeignAPISocket, got.OwnSocket)
		}
	})
	rule(t, "a page of this machine that calls a service unsigned is refused in the service's words", source, browser, func(t *testing.T) {
		if got := attack(t); got.Own != 403 {
			t.Errorf("it saw %d", got.Own)
		}
	})
	difference(t, "a signed call of @connections with the Origin of another site is refused", source, httpClient, why, func(t *testing.T) {
		r := signed(t, c, "execute-api", "POST", "/development/@connections/O9iVddyboAMCJ1A=", "x", hashOf("x"), now())
		r.Header.Set("Origin", "http://evil.example")
		if status, text := deliver(t, r); status != 403 || !strings.Contains(text, "a page of http://evil.example may not drive this cloud") {
			t.Errorf("%d %s", status, text)
		}
	})
	rule(t, "two lengths, two hosts, an unknown transfer coding and a folded header are refused", "RFC 9112 §6", rawSocket, func(t *testing.T) {
		for request, want := range map[string]string{
			"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab": "400",
			"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n":                        "400",
			"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n":              "501",
			"GET / HTTP/1.1\r\nHost: localhost\r\n folded\r\n\r\n":                                   "400",
			"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length : 5\r\n\r\n":                        "400",
			"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("a", 1<<20) + "\r\n\r\n":     "431",
		} {
			conn, err := net.Dial("tcp", strings.TrimPrefix(c.Endpoint, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			go io.WriteString(conn, request)
			line, err := bufio.NewReader(conn).ReadString('\n')
			conn.Close()
			if !strings.Contains(line, " "+want+" ") {
				t.Errorf("%.60q: %q %v, want %s", request, line, err, want)
			}
		}
	})
	rule(t, "a body of which more is promised than a service takes is refused before it is sent, if its signature is wrong", source, httpClient, func(t *testing.T) {
		r := signed(t, c, "lambda", "POST", "/2015-03-31/functions", "x", hashOf("x"), now(), "X-Amz-Content-Sha256", hashOf("x"))
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), c.key, "AKIAIOSFODNN7EXAMPLE", 1))
		body, w := io.Pipe()
		defer w.Close()
		r.Body, r.ContentLength = body, 1<<30
		r.Header.Set("Expect", "100-continue")
		if status, text := deliver(t, r); status != 403 || !strings.Contains(text, "The security token included in the request is invalid.") {
			t.Errorf("%d %s", status, text)
		}
	})
	rule(t, "the root's credential is a file in the form of AWS's shared credentials, which only its owner may read", "Configuration and credential file settings in the AWS CLI", awsCLI, func(t *testing.T) {
		rig.Need(t, "aws")
		file := c.Dir + "/credentials"
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%v %v", info, err)
		}
		env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "AWS_SHARED_CREDENTIALS_FILE=" + file, "AWS_ENDPOINT_URL=" + c.Endpoint, "AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true"}
		out, errs, status := rig.Run(t, env, "aws", "sts", "get-caller-identity", "--query", "Arn", "--output", "text")
		if status != 0 || strings.TrimSpace(out) != iamARN+"root" {
			t.Errorf("%d %s%s", status, out, errs)
		}
	})
	rule(t, "a key that was rotated is refused by the running cloud with the next request", "IAM §1", boto3, func(t *testing.T) {
		c := start(t)
		before := c.boto3(t)
		before.call(t, "sts", "GetCallerIdentity", nil)
		if _, errs, status := rig.Run(t, os.Environ(), binary, "credentials", "--rotate", "--state", c.Dir); status != 0 {
			t.Fatal(errs)
		}
		refusedAs(t, before.fail(t, "sts", "GetCallerIdentity", nil), 403, "InvalidClientTokenId", "The security token included in the request is invalid.")
		after, err := cloud.ReadRoot(c.Dir)
		if err != nil {
			t.Fatal(err)
		}
		before.as(after.AccessKeyID, after.SecretAccessKey, "").call(t, "sts", "GetCallerIdentity", nil)
	})
	rule(t, "a function is not given the root's credential: it acts as its role", "Lambda §3", goSDK, func(t *testing.T) {
		f := c.function(t, "role")
		if text := f.probe(t, `{"do":"env"}`); strings.Contains(text, c.key) || strings.Contains(text, c.secret) || !strings.Contains(text, "ASIA") {
			t.Errorf("its environment is %s", text)
		}
	})
}
