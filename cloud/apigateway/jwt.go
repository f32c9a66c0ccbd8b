package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// JWT authorizers: a token is good if a key of its issuer signed it and its claims hold. The issuer is asked for its
// keys by OpenID Connect's discovery.

// token is a token that was found good.
type token struct {
	claims map[string]string
	scopes []string
}

// tokenError says why a token is not good: to the client in words of AWS's kind, to the log in more.
type tokenError struct{ said, reason string }

// rsaAlgorithms are those that AWS names: RSA with PKCS #1 padding.
var rsaAlgorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512}

// verifyToken checks a token in AWS's order: its form, its signature, its claims.
func (s *Service) verifyToken(ctx context.Context, c *jwtConfiguration, text string) (*token, *tokenError) {
	signed, err := jose.ParseSignedCompact(text, rsaAlgorithms)
	if err != nil {
		return nil, &tokenError{"the token is malformed or is not signed with an RSA algorithm", err.Error()}
	}
	keyID := signed.Signatures[0].Header.KeyID
	if keyID == "" {
		return nil, &tokenError{"the token has no key id", "its header has no kid"}
	}
	keys, until, err := s.keysOf(ctx, c.Issuer)
	if err != nil {
		return nil, &tokenError{"OIDC discovery endpoint communication error", err.Error()}
	}
	key, ok := keys[keyID]
	if !ok {
		return nil, &tokenError{"the token is signed with an unknown key", fmt.Sprintf(
			"the issuer %s has no RSA key with the kid %s; its keys are read again at %s, or when an authorizer with this issuer is created or changed (--limit apigateway.issuer-cache=… shortens that)",
			c.Issuer, keyID, until.Format(time.TimeOnly))}
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return nil, &tokenError{"the token has an invalid signature", err.Error()}
	}
	var claims map[string]any
	if err := unmarshal(payload, &claims); err != nil || claims == nil {
		return nil, &tokenError{"the token is malformed", "its claims are no JSON object"}
	}
	if refused := c.checkClaims(claims, time.Now()); refused != nil {
		return nil, refused
	}
	t := &token{claims: map[string]string{}, scopes: scopesOf(claims)}
	for name, v := range claims {
		t.claims[name] = printClaim(v)
	}
	return t, nil
}

// checkClaims checks the claims that AWS looks at. client_id counts only for a token without an audience.
func (c *jwtConfiguration) checkClaims(claims map[string]any, now time.Time) *tokenError {
	if claims["iss"] != c.Issuer {
		return &tokenError{"the token does not have a valid issuer", fmt.Sprintf("iss is %v, and the authorizer's issuer is %s", claims["iss"], c.Issuer)}
	}
	audience := texts(claims["aud"])
	if claims["aud"] == nil {
		audience = texts(claims["client_id"])
	}
	if !slices.ContainsFunc(audience, func(a string) bool { return slices.Contains(c.Audience, a) }) {
		return &tokenError{"the token does not have a valid audience", fmt.Sprintf("aud is %v, client_id is %v, and the authorizer's audience is %v",
			claims["aud"], claims["client_id"], c.Audience)}
	}
	at := float64(now.UnixMilli()) / 1000
	if expires, ok := number(claims["exp"]); !ok || expires <= at {
		return &tokenError{"the token has expired", fmt.Sprintf("exp is %v, and now it is %d", claims["exp"], now.Unix())}
	}
	for _, name := range []string{"nbf", "iat"} {
		if claims[name] == nil {
			continue
		}
		if from, ok := number(claims[name]); !ok || from > at {
			return &tokenError{"the token is not valid yet", fmt.Sprintf("%s is %v, and now it is %d", name, claims[name], now.Unix())}
		}
	}
	return nil
}

// scopesOf returns the scopes of a token: in scope, separated by spaces, or in scp.
func scopesOf(claims map[string]any) []string {
	v := claims["scope"]
	if v == nil {
		v = claims["scp"]
	}
	var all []string
	for _, text := range texts(v) {
		all = append(all, strings.Fields(text)...)
	}
	return all
}

// texts returns a claim that is a string or a list of strings.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, e := range v {
			if text, ok := e.(string); ok {
				all = append(all, text)
			}
		}
		return all
	}
	return nil
}

func number(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

// printClaim turns a claim into the string that integrations see: a list as "[a b]", an object as "map[k:v]".
func printClaim(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// issuers keeps the keys of issuers. The zero value is empty and ready.
type issuers struct {
	mu   sync.Mutex // protects keys
	keys map[string]issuerKeys
}

type issuerKeys struct {
	keys  map[string]jose.JSONWebKey // by kid
	until time.Time
}

// keysOf returns the keys of an issuer, and until when they are kept. A key that the issuer takes into use meanwhile is
// unknown until then: an issuer has to publish a key some hours before it signs with it.
func (s *Service) keysOf(ctx context.Context, issuer string) (map[string]jose.JSONWebKey, time.Time, error) {
	i := &s.issuers
	i.mu.Lock()
	known, ok := i.keys[issuer]
	i.mu.Unlock()
	if ok && time.Now().Before(known.until) {
		return known.keys, known.until, nil
	}
	return s.discover(ctx, issuer)
}

// discover asks an issuer for its keys and keeps them.
func (s *Service) discover(ctx context.Context, issuer string) (map[string]jose.JSONWebKey, time.Time, error) {
	var document struct {
		JWKSURI string `json:"jwks_uri"`
	}
	if err := s.fetchJSON(ctx, discoveryURL(issuer), &document); err != nil {
		return nil, time.Time{}, err
	}
	if document.JWKSURI == "" {
		return nil, time.Time{}, fmt.Errorf("%s has no jwks_uri", discoveryURL(issuer))
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := s.fetchJSON(ctx, document.JWKSURI, &set); err != nil {
		return nil, time.Time{}, err
	}
	found := issuerKeys{map[string]jose.JSONWebKey{}, time.Now().Add(s.IssuerCache)}
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil && key.KeyID != "" && key.IsPublic() && key.Use != "enc" {
			found.keys[key.KeyID] = key
		}
	}
	s.issuers.mu.Lock()
	defer s.issuers.mu.Unlock()
	if s.issuers.keys == nil {
		s.issuers.keys = map[string]issuerKeys{}
	}
	s.issuers.keys[issuer] = found
	return found.keys, found.until, nil
}

func discoveryURL(issuer string) string {
	return strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
}

func (s *Service) fetchJSON(ctx context.Context, url string, v any) error {
	ctx, cancel := context.WithTimeout(ctx, issuerTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := s.client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxIssuerDocument+1))
	switch {
	case err != nil:
		return err
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("%s answered %s", url, response.Status)
	case len(text) > maxIssuerDocument:
		return fmt.Errorf("%s is longer than %d bytes", url, maxIssuerDocument)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s is no JSON of the expected form: %w", url, err)
	}
	return nil
}

// checkIssuer asks the issuer that a request to create or change a JWT authorizer names for its keys. AWS refuses one
// that does not answer, too.
func (s *Service) checkIssuer(q *request) error {
	var body struct {
		JWTConfiguration *jwtConfiguration `json:"jwtConfiguration"`
	}
	if q.method != http.MethodPost && q.method != http.MethodPatch || json.Unmarshal(q.body, &body) != nil {
		return nil // the request itself will say what is wrong
	}
	c := body.JWTConfiguration
	if c == nil || checkIssuerURL(c.Issuer) != nil {
		return nil
	}
	if _, _, err := s.discover(q.ctx, c.Issuer); err != nil {
		return badRequest("Caught exception when connecting to %s for issuer %s. Please try again later. Error: Invalid issuer: %s. "+
			"Issuer must have a valid discovery endpoint ended with '/.well-known/openid-configuration': %v", discoveryURL(c.Issuer), c.Issuer, c.Issuer, err)
	}
	return nil
}

// checkIssuerURL takes http:// as well as AWS's https:// where only this machine is spoken to.
func checkIssuerURL(issuer string) error {
	u, err := url.Parse(issuer)
	if err == nil && u.Host != "" && u.RawQuery == "" && u.Fragment == "" {
		ip := net.ParseIP(u.Hostname())
		if u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
			return nil
		}
	}
	return errors.New("an issuer is an https:// URL without query, or one of http:// on the loopback")
}
