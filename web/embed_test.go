package web_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"quotewire/web"
)

func get(t *testing.T, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	h, err := web.Handler(web.Config{Watch: "ws://127.0.0.1:4566/development"})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestFilesAreServedWithTheirTypes(t *testing.T) {
	for path, want := range map[string]string{
		"/": "text/html; charset=utf-8", "/style.css": "text/css; charset=utf-8", "/main.js": "text/javascript; charset=utf-8",
		"/icon.svg": "image/svg+xml", "/config.json": "application/json",
	} {
		if w := get(t, path); w.Code != 200 || w.Header().Get("Content-Type") != want {
			t.Errorf("%s: %d %s, want 200 %s", path, w.Code, w.Header().Get("Content-Type"), want)
		}
	}
	for _, path := range []string{"/index.html", "/embed.go", "/quotes.test.js", "/package.json", "/nothing"} {
		if w := get(t, path); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, w.Code)
		}
	}
}

// A module that is imported but not embedded would be seen only in a browser.
func TestEveryImportedModuleIsServed(t *testing.T) {
	imports := regexp.MustCompile(`(?:from '\./|src="|href=")([a-z.]+)['"]`)
	seen := make(map[string]bool)
	for todo := []string{""}; len(todo) > 0; todo = todo[1:] {
		w := get(t, "/"+todo[0])
		if w.Code != 200 {
			t.Errorf("%s: %d, want 200", todo[0], w.Code)
		}
		for _, m := range imports.FindAllStringSubmatch(w.Body.String(), -1) {
			if !seen[m[1]] {
				seen[m[1]] = true
				todo = append(todo, m[1])
			}
		}
	}
	if len(seen) < 9 {
		t.Errorf("only %d files are found: %v", len(seen), seen)
	}
}

func TestConfigIsToldAndNotKept(t *testing.T) {
	w := get(t, "/config.json")
	if got, want := strings.TrimSpace(w.Body.String()), `{"watch":"ws://127.0.0.1:4566/development"}`; got != want {
		t.Errorf("config %s, want %s", got, want)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q, want no-store", got)
	}
}

func TestPageMayConnectOnlyToTheSocket(t *testing.T) {
	policy := get(t, "/").Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "connect-src 'self' ws://127.0.0.1:4566;"} {
		if !strings.Contains(policy, want) {
			t.Errorf("policy %q lacks %q", policy, want)
		}
	}
}

// Whoever opens the page on another machine reached it by an address of this one, and finds the socket there as well.
func TestPageIsToldWhereTheSocketIsFromWhereItIsOpened(t *testing.T) {
	for _, test := range []struct {
		watch, page string
		want        string
	}{
		{"ws://127.0.0.1:4566/development", "http://localhost:8080/", "ws://127.0.0.1:4566/development"},
		{"ws://127.0.0.1:4566/development", "http://[::1]:8080/", "ws://127.0.0.1:4566/development"},
		{"ws://127.0.0.1:4566/development", "https://127.0.0.1:8080/", "wss://127.0.0.1:4566/development"},
		{"ws://127.0.0.1:4566/development", "https://192.0.2.7:8080/", "wss://192.0.2.7:4566/development"},
		{"ws://127.0.0.1:4566/development", "https://[2001:db8::7]/", "wss://[2001:db8::7]:4566/development"},
		{"ws://127.0.0.1:4566/development", "http://evil.example/", "ws://127.0.0.1:4566/development"},
		{"ws://192.0.2.1:4566/development", "https://192.0.2.7:8080/", "wss://192.0.2.1:4566/development"},
		{"wss://a1.execute-api.us-east-1.amazonaws.com/development", "https://192.0.2.7/", "wss://a1.execute-api.us-east-1.amazonaws.com/development"},
	} {
		h, err := web.Handler(web.Config{Watch: test.watch})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", test.page+"config.json", nil))
		if got, want := strings.TrimSpace(w.Body.String()), `{"watch":"`+test.want+`"}`; got != want {
			t.Errorf("%s of a page at %s: %s, want %s", test.watch, test.page, got, want)
		}
		socket := strings.TrimSuffix(test.want, "/development")
		if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "connect-src 'self' "+socket+";") {
			t.Errorf("the policy of a page at %s is %q, which lacks %s", test.page, policy, socket)
		}
	}
}

func TestUnchangedFileIsNotSentAgain(t *testing.T) {
	tag := get(t, "/main.js").Header().Get("ETag")
	if w := get(t, "/main.js", "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("%d with %d bytes, want 304 with none", w.Code, w.Body.Len())
	}
}

func TestAddressThatIsNoWebSocketIsRefused(t *testing.T) {
	for _, address := range []string{"", "http://127.0.0.1/", "ws:///x", ":"} {
		if _, err := web.Handler(web.Config{Watch: address}); err == nil {
			t.Errorf("%q is accepted", address)
		}
	}
}
