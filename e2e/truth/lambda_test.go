package truth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"quotewire/e2e/rig"
)

// signed makes a request that the cloud's root has signed for Lambda.
func (c *testCloud) signed(t testing.TB, method, url, body string, headers ...string) *http.Request {
	t.Helper()
	return signRequest(t, aws.Credentials{AccessKeyID: c.key, SecretAccessKey: c.secret}, method, url, body, headers...)
}

func signRequest(t testing.TB, credentials aws.Credentials, method, url, body string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, hex.EncodeToString(sum[:]), "lambda", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	return r
}

// raw sends a signed request to the Lambda API and returns the answer as it stands on the wire.
func (c *testCloud) raw(t testing.TB, method, path, body string, headers ...string) (status int, text string) {
	t.Helper()
	resp, text := send(t, c.signed(t, method, c.Endpoint+path, body, headers...))
	return resp.StatusCode, text
}

// send sends a request and reads the whole answer.
func send(t testing.TB, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// awaitFunction waits until no change of a function is under way.
func (c *testCloud) awaitFunction(t testing.TB, name string) {
	t.Helper()
	updated := lambda.NewFunctionUpdatedV2Waiter(lambda.NewFromConfig(c.config()), func(o *lambda.FunctionUpdatedV2WaiterOptions) { o.MinDelay = 20 * time.Millisecond })
	if err := updated.Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: &name}, rig.Patience); err != nil {
		t.Fatalf("%s does not settle: %v", name, err)
	}
}

// user makes a user with one policy and returns the user's access key and secret.
func (c *testCloud) user(t testing.TB, document string) [2]string {
	t.Helper()
	name, py := unique("user"), c.boto3(t)
	py.call(t, "iam", "CreateUser", m{"UserName": name})
	py.call(t, "iam", "PutUserPolicy", m{"UserName": name, "PolicyName": "may", "PolicyDocument": document})
	key := py.call(t, "iam", "CreateAccessKey", m{"UserName": name})
	return [2]string{key.str("AccessKey.AccessKeyId"), key.str("AccessKey.SecretAccessKey")}
}

// serve serves HTTP on the loopback for functions, until the test ends.
func serve(t testing.TB, f http.HandlerFunc) (url string) {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

// arrived waits for an invocation to reach the gate.
func (g *gate) arrived(t testing.TB) {
	t.Helper()
	select {
	case <-g.in:
	case <-time.After(rig.Patience):
		t.Fatal("no invocation has reached the gate")
	}
}

// later invokes a function in the background and tells when it has answered.
func (f *function) later(command string) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := lambda.NewFromConfig(f.cloud.config()).Invoke(context.Background(), &lambda.InvokeInput{FunctionName: &f.Name, Payload: []byte(command)})
		done <- err
	}()
	return done
}

// nodeBootstrap is a runtime in JavaScript. Its event has the calls of the Runtime API that it makes in the place of its
// answer; it prints the answers to them. Without calls, it answers with the headers that the invocation came with.
const nodeBootstrap = `#!/usr/bin/env node
const http = require('node:http');
const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
function api(method, path, headers, parts) {
  return new Promise((ok, no) => {
    const r = http.request({ host, port, method, path, headers, agent: false }, res => {
      let text = '';
      res.on('data', part => { text += part; });
      res.on('end', () => ok({ status: res.statusCode, headers: res.headers, body: text }));
    });
    r.on('error', no);
    for (const part of parts) r.write(part);
    r.end();
  });
}
(async () => {
  for (;;) {
    const next = await api('GET', '/2018-06-01/runtime/invocation/next', {}, []);
    const id = next.headers['lambda-runtime-aws-request-id'];
    const event = JSON.parse(next.body);
    const calls = event.calls ?? (event.body ? JSON.parse(event.body).calls : undefined) ?? [];
    for (const c of calls) {
      const parts = (c.size ? ['x'.repeat(c.size)] : c.parts ?? [c.body ?? '']).map(p => p.replaceAll('{NUL}', '\0'));
      const a = await api(c.method ?? 'POST', c.path.replace('{id}', id), c.headers ?? {}, parts);
      console.log(c.path, a.status, a.body.trim());
    }
    if (calls.length === 0) await api('POST', '/2018-06-01/runtime/invocation/' + id + '/response', {}, [JSON.stringify(next.headers)]);
  }
})();
`
