package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quotewire/e2e/rig"
)

// Three clients that nobody here wrote, unmodified: they list what was deployed, invoke a function, read a table and
// post to a live connection.
func TestUnmodifiedAWSClients(t *testing.T) {
	p := start(t, t.TempDir(), "up", "--feed", "none")
	watch := p.Endpoints.APIs["stock-watch"]
	callback := strings.Replace(watch, "ws://", "http://", 1)
	s := dial(t, watch, nil)
	id := s.identify("user003").ConnectionID
	if id == "" {
		t.Fatal("the quotes name no connection")
	}
	event := `{"version":"2.0","requestContext":{"http":{"method":"POST"}},"headers":{"content-type":"application/json"},"body":"{\"ticker\":\"EIQQ\",\"price\":%PRICE%}","isBase64Encoded":false}`

	// expect checks what a client has done, as seen from the socket: first the price that the function it invoked
	// published, then the text that it posted itself.
	expect := func(t *testing.T, price int64, greeting string) {
		t.Helper()
		s.until(func(m message) bool { got, ok := m.price("EIQQ"); return ok && got == price })
		if got := s.Text(); got != greeting {
			t.Errorf("the socket got %q, want %q", got, greeting)
		}
	}

	t.Run("AWS CLI", func(t *testing.T) {
		aws := func(args ...string) string { return rig.Tool(t, p.Env(), "aws", args...) }
		if out := aws("lambda", "list-functions"); !strings.Contains(out, `"watch-lambda"`) || !strings.Contains(out, `"publish-lambda"`) {
			t.Errorf("list-functions: %s", out)
		}
		if out := aws("apigatewayv2", "get-apis"); !strings.Contains(out, `"stock-watch"`) || !strings.Contains(out, `"stock-publish"`) {
			t.Errorf("get-apis: %s", out)
		}
		answer := filepath.Join(t.TempDir(), "answer.json")
		aws("lambda", "invoke", "--function-name", "publish-lambda:next", "--payload", strings.Replace(event, "%PRICE%", "2231", 1), answer)
		if text, err := os.ReadFile(answer); err != nil || !strings.Contains(string(text), `"statusCode":200`) {
			t.Errorf("invoke: %s, %v", text, err)
		}
		if out := aws("dynamodb", "get-item", "--table-name", "quotewire-prices", "--key", `{"ticker":{"S":"EIQQ"}}`); !strings.Contains(out, `"2231"`) {
			t.Errorf("get-item: %s", out)
		}
		aws("apigatewaymanagementapi", "post-to-connection", "--endpoint-url", callback, "--connection-id", id, "--data", "hello from the CLI")
		expect(t, 2231, "hello from the CLI")
	})
	t.Run("over TLS, by the address", func(t *testing.T) {
		secure := append(p.Env(), "AWS_ENDPOINT_URL="+strings.Replace(p.Endpoints.Cloud, "http://", "https://", 1), "AWS_CA_BUNDLE="+p.Endpoints.CA)
		if out := rig.Tool(t, secure, "aws", "lambda", "list-functions"); !strings.Contains(out, `"watch-lambda"`) {
			t.Errorf("list-functions: %s", out)
		}
	})
	for _, client := range []struct{ name, program, script string }{
		{"boto3", "python3", "clients.py"},
		{"AWS SDK for JavaScript", "node", "clients.mjs"},
	} {
		t.Run(client.name, func(t *testing.T) {
			price := map[string]int64{"boto3": 2232, "AWS SDK for JavaScript": 2233}[client.name]
			payload := strings.Replace(event, "%PRICE%", map[string]string{"boto3": "2232", "AWS SDK for JavaScript": "2233"}[client.name], 1)
			out := rig.Tool(t, p.Env(), client.program, client.script, callback, id, payload)
			var got struct {
				Functions, APIs []string
				Answer          string
				Price           string
				SourceIP        string
			}
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatalf("%s: %v", out, err)
			}
			if strings.Join(got.Functions, " ") != "publish-lambda watch-lambda" {
				t.Errorf("functions: %q", got.Functions)
			}
			if strings.Join(got.APIs, " ") != "stock-publish stock-watch" {
				t.Errorf("APIs: %q", got.APIs)
			}
			if !strings.Contains(got.Answer, `"statusCode":200`) {
				t.Errorf("the function answered %q", got.Answer)
			}
			if want := payload[strings.Index(payload, "223"):][:4]; got.Price != want {
				t.Errorf("the table has the price %q, want %q", got.Price, want)
			}
			if got.SourceIP != "127.0.0.1" {
				t.Errorf("the connection comes from %q", got.SourceIP)
			}
			expect(t, price, "hello from "+client.name)
		})
	}
}
