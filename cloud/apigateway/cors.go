package apigateway

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

func (c *corsConfiguration) check() error {
	if c.AllowCredentials && slices.Contains(c.AllowOrigins, "*") {
		return badRequest("allowCredentials cannot be true with the origin *: name the origins")
	}
	for _, origin := range c.AllowOrigins {
		scheme, rest, ok := strings.Cut(origin, "://")
		if origin != "*" && (!ok || scheme == "" || rest == "" || strings.ContainsAny(rest, "/?# ") || rest != "*" && strings.Contains(rest, "*")) {
			return badRequest("Invalid format for origin %s: it must be *, or a scheme and a host such as https://example.com, with neither path nor slash at the end", origin)
		}
	}
	if c.MaxAge != nil && (*c.MaxAge < -1 || *c.MaxAge > 86400) {
		return badRequest("maxAge must be between -1 and 86400")
	}
	return nil
}

// isPreflight reports whether a browser asks what a page of another origin may do.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// allowed returns what to answer for an origin: itself, "*", or "" if it is not allowed.
func (c *corsConfiguration) allowed(origin string) string {
	for _, o := range c.AllowOrigins {
		switch {
		case o == "*":
			return "*"
		case strings.EqualFold(o, origin):
			return origin
		case o == "https://*" || o == "http://*":
			if strings.HasPrefix(origin, o[:len(o)-1]) {
				return origin
			}
		}
	}
	return ""
}

// preflight answers for the API; no integration is asked, and no route needed.
func (k *httpCall) preflight(c *corsConfiguration) {
	h, said := k.w.Header(), k.request.Header.Get("Origin")
	if origin := c.allowed(said); origin != "" {
		h.Set("Access-Control-Allow-Origin", origin)
		if len(c.AllowMethods) > 0 {
			h.Set("Access-Control-Allow-Methods", strings.Join(c.AllowMethods, ","))
		}
		if len(c.AllowHeaders) > 0 {
			h.Set("Access-Control-Allow-Headers", strings.Join(c.AllowHeaders, ","))
		}
		if c.MaxAge != nil {
			h.Set("Access-Control-Max-Age", strconv.Itoa(*c.MaxAge))
		}
		if c.AllowCredentials {
			h.Set("Access-Control-Allow-Credentials", "true")
		}
	} else {
		k.log().Info("a browser was told that pages of this origin may not call the API: add it to allowOrigins of its corsConfiguration", "origin", said)
	}
	k.status = http.StatusNoContent
	k.w.WriteHeader(k.status)
}

// decorate puts the API's CORS headers into an answer in place of those that the integration gave.
func (c *corsConfiguration) decorate(h http.Header, origin string) {
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			h.Del(name)
		}
	}
	allowed := c.allowed(origin)
	if origin == "" || allowed == "" {
		return
	}
	h.Set("Access-Control-Allow-Origin", allowed)
	if allowed != "*" {
		h.Add("Vary", "Origin")
	}
	if len(c.ExposeHeaders) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(c.ExposeHeaders, ","))
	}
	if c.AllowCredentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
}
