package apigateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
)

// parseHTTPAnswer reads what a function returned for an HTTP API. In format 2.0 anything without a statusCode is itself
// the body, and what AWS does not know is left out; in format 1.0 it is a mistake, as in a REST API. Cookies are of
// format 2.0, multiValueHeaders of format 1.0.
func parseHTTPAnswer(payload []byte, format string) (*answer, error) {
	if !json.Valid(payload) {
		return nil, errors.New("the function must return JSON")
	}
	if format == "2.0" {
		var object map[string]json.RawMessage
		json.Unmarshal(payload, &object)
		if object["statusCode"] == nil {
			body := payload
			var text string
			if json.Unmarshal(payload, &text) == nil && string(bytes.TrimSpace(payload)) != "null" {
				body = []byte(text)
			}
			return &answer{status: http.StatusOK, headers: map[string][]string{"content-type": {"application/json"}}, body: body}, nil
		}
		for name := range object {
			if !slices.Contains([]string{"statusCode", "headers", "body", "isBase64Encoded", "cookies"}, name) {
				delete(object, name)
			}
		}
		payload = encode(object)
	}
	a, err := parseAnswer(payload)
	if err != nil {
		return nil, err
	}
	if a.status < 200 { // it would promise an answer that never comes
		return nil, errors.New("the function must return a statusCode of 200 or more")
	}
	if format != "2.0" {
		a.cookies = nil
	}
	if a.header("Content-Type") == "" {
		a.remove("Content-Type")
		a.headers["content-type"] = []string{"text/plain; charset=utf-8"}
	}
	return a, nil
}

// ofConnection are the headers that belong to the connection between client and gateway, or are the gateway's own: an
// integration cannot set them.
var ofConnection = []string{
	"Connection", "Transfer-Encoding", "Content-Length", "Keep-Alive", "Upgrade", "Te", "Trailer", "Proxy-Connection", "Apigw-Requestid",
}

// write sends the integration's answer.
func (k *httpCall) write(cors *corsConfiguration) {
	a, h := k.answer, k.w.Header()
	for name, values := range a.headers {
		if slices.Contains(ofConnection, http.CanonicalHeaderKey(name)) {
			continue
		}
		for _, v := range values {
			h.Add(name, v)
		}
	}
	for _, cookie := range a.cookies {
		h.Add("Set-Cookie", cookie)
	}
	if cors != nil {
		cors.decorate(h, k.request.Header.Get("Origin"))
	}
	k.status, k.bytes = a.status, len(a.body)
	k.w.WriteHeader(a.status)
	k.w.Write(a.body)
}

// fail answers with an error of the gateway's own. It carries no CORS headers: those are for answers of integrations.
func (k *httpCall) fail(status int, message string) {
	body := encode(map[string]string{"message": message})
	k.status, k.bytes, k.said = status, len(body), message
	writeJSON(k.w, status, "", body)
}
