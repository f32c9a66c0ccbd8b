// Package web is the page: plain ES modules and a style sheet, embedded in the binary, with no build step and nothing
// loaded from elsewhere.
package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
)

//go:embed index.html style.css icon.svg announce.js chart.js main.js money.js quotes.js socket.js table.js user.js
var files embed.FS

// contentTypes are written down here because those of the mime package depend on the machine.
var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// Config is what the page must be told.
type Config struct {
	// Watch is the address of the WebSocket API's stage, such as wss://HOST/development.
	Watch string `json:"watch"`
}

// from returns the address of a WebSocket as it is for whoever sent r. A browser on another machine reached the page by
// an address of this one, so it finds what listens on a loopback there; and a page over TLS opens no socket in plain text.
func from(r *http.Request, watch url.URL) url.URL {
	if r.TLS != nil {
		watch.Scheme = "wss"
	}
	page := url.URL{Host: r.Host}
	ip := net.ParseIP(page.Hostname())
	if ip != nil && !ip.IsLoopback() && net.ParseIP(watch.Hostname()).IsLoopback() {
		watch.Host = net.JoinHostPort(ip.String(), watch.Port())
	}
	return watch
}

// Handler serves the page at / and config, with addresses as they are for whoever asks, as /config.json. The page may
// connect to nothing but this server and the host in config.Watch; its Content-Security-Policy says so to the browser.
func Handler(config Config) (http.Handler, error) {
	watch, err := url.Parse(config.Watch)
	if err != nil || watch.Scheme != "ws" && watch.Scheme != "wss" || watch.Host == "" {
		return nil, fmt.Errorf("web: %q is not the address of a WebSocket; write one such as wss://HOST/development", config.Watch)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /config.json", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		address := from(r, *watch)
		json.NewEncoder(w).Encode(Config{Watch: address.String()})
	})
	names, err := fs.Glob(files, "*")
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	for _, name := range names {
		pattern := "GET /" + name
		if name == "index.html" {
			pattern = "GET /{$}"
		}
		mux.Handle(pattern, file(name))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		socket := from(r, *watch)
		w.Header().Set("Content-Security-Policy", strings.Join([]string{
			"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'",
			"connect-src 'self' " + socket.Scheme + "://" + socket.Host,
			"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
		}, "; "))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		mux.ServeHTTP(w, r)
	}), nil
}

// file serves an embedded file. Browsers keep it but ask each time whether it is still the same, so that a new binary
// is a new page.
func file(name string) http.Handler {
	content, err := files.ReadFile(name)
	if err != nil {
		panic(err) // the name is from the embedded directory
	}
	sum := sha256.Sum256(content)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentTypes[path.Ext(name)])
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Write(content)
	})
}
