package lambda

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"quotewire/cloud/iam"
)

// urlEvent is what a function gets when its URL is called: payload format 2.0 of HTTP APIs, with the id of the URL in
// the place of an API's. Members that AWS sends as null are absent only where AWS leaves them out.
type urlEvent struct {
	Version               string            `json:"version"`
	RouteKey              string            `json:"routeKey"`
	RawPath               string            `json:"rawPath"`
	RawQueryString        string            `json:"rawQueryString"`
	Cookies               []string          `json:"cookies,omitempty"`
	Headers               map[string]string `json:"headers"`
	QueryStringParameters map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext        urlContext        `json:"requestContext"`
	Body                  string            `json:"body,omitempty"`
	IsBase64Encoded       bool              `json:"isBase64Encoded"`
}

type urlContext struct {
	AccountID    string         `json:"accountId"`
	APIID        string         `json:"apiId"`
	Authorizer   *urlAuthorizer `json:"authorizer,omitempty"`
	DomainName   string         `json:"domainName"`
	DomainPrefix string         `json:"domainPrefix"`
	HTTP         urlHTTP        `json:"http"`
	RequestID    string         `json:"requestId"`
	RouteKey     string         `json:"routeKey"`
	Stage        string         `json:"stage"`
	Time         string         `json:"time"`
	TimeEpoch    int64          `json:"timeEpoch"`
}

type urlHTTP struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// urlAuthorizer says who has signed the request.
type urlAuthorizer struct {
	IAM struct {
		AccessKey       string  `json:"accessKey"`
		AccountID       string  `json:"accountId"`
		CallerID        string  `json:"callerId"`
		CognitoIdentity *string `json:"cognitoIdentity"`
		PrincipalOrgID  *string `json:"principalOrgId"`
		UserARN         string  `json:"userArn"`
		UserID          string  `json:"userId"`
	} `json:"iam"`
}

func newURLAuthorizer(p iam.Principal) *urlAuthorizer {
	var a urlAuthorizer
	a.IAM.AccessKey, a.IAM.AccountID, a.IAM.CallerID, a.IAM.UserARN, a.IAM.UserID = p.AccessKeyID, p.Account, p.UserID, p.ARN, p.UserID
	return &a
}

// event is the event of a request with the escaped path below the URL.
func (s *Service) urlEvent(u *functionURL, r *http.Request, path, id string, body []byte) *urlEvent {
	now := time.Now().UTC()
	source, _, _ := net.SplitHostPort(r.RemoteAddr)
	domain := u.ID + ".lambda-url." + s.Region + ".on.aws"
	e := &urlEvent{
		Version: "2.0", RouteKey: "$default", RawPath: path, RawQueryString: r.URL.RawQuery, Headers: map[string]string{},
		RequestContext: urlContext{
			AccountID: "anonymous", APIID: u.ID, DomainName: domain, DomainPrefix: u.ID,
			HTTP:      urlHTTP{r.Method, path, r.Proto, source, r.UserAgent()},
			RequestID: id, RouteKey: "$default", Stage: "$default",
			Time: now.Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
		},
	}
	if who, ok := iam.PrincipalFrom(r.Context()); ok && u.AuthType == authIAM {
		e.RequestContext.Authorizer, e.RequestContext.AccountID = newURLAuthorizer(who), who.Account
	}
	for name, values := range r.Header {
		switch name {
		case "Cookie":
			for cookie := range strings.SplitSeq(strings.Join(values, "; "), ";") {
				if cookie = strings.TrimSpace(cookie); cookie != "" {
					e.Cookies = append(e.Cookies, cookie)
				}
			}
		case "Connection", "Transfer-Encoding", "Keep-Alive", "Upgrade", "Te", "Trailer", "Expect", "Proxy-Connection":
		default:
			e.Headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	if u.AuthType == authIAM {
		delete(e.Headers, "authorization") // a signature is for Lambda to check; the authorizer says what came of it
	}
	proto, port := "http", "80"
	if r.TLS != nil {
		proto, port = "https", "443"
	}
	if _, p, err := net.SplitHostPort(r.Host); err == nil {
		port = p
	}
	e.Headers["host"] = domain
	e.Headers["x-forwarded-for"], e.Headers["x-forwarded-proto"], e.Headers["x-forwarded-port"] = source, proto, port
	if e.Headers["x-amzn-trace-id"] == "" {
		e.Headers["x-amzn-trace-id"], _, _ = strings.Cut(newTrace(false), ";")
	}
	if len(body) > 0 {
		e.Headers["content-length"] = strconv.Itoa(len(body))
	}
	for name, values := range r.URL.Query() {
		if e.QueryStringParameters == nil {
			e.QueryStringParameters = map[string]string{}
		}
		e.QueryStringParameters[name] = strings.Join(values, ",")
	}
	switch {
	case len(body) == 0:
	case r.Header.Get("Content-Encoding") == "" && isText(r.Header.Get("Content-Type")) && utf8.Valid(body):
		e.Body = string(body)
	default:
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return e
}

// isText reports whether a body of this type goes into an event as it is.
func isText(contentType string) bool {
	kind, _, _ := mime.ParseMediaType(contentType)
	return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml") ||
		slices.Contains([]string{"application/json", "application/xml", "application/javascript"}, kind)
}

// urlAnswer is the HTTP response that a function has made.
type urlAnswer struct {
	status  int
	headers map[string]string
	cookies []string
	body    []byte
}

// parseURLAnswer reads what a function returned. An object with a statusCode describes a response; anything else is
// itself the body of one, as JSON, or as text if it is a JSON string.
func parseURLAnswer(payload []byte) (*urlAnswer, error) {
	if !json.Valid(payload) {
		return nil, errors.New("the function must return JSON")
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(payload, &object) != nil || object["statusCode"] == nil {
		body := payload
		var text *string
		if json.Unmarshal(payload, &text) == nil && text != nil {
			body = []byte(*text)
		}
		return &urlAnswer{status: http.StatusOK, headers: map[string]string{"Content-Type": "application/json"}, body: body}, nil
	}
	var in struct {
		StatusCode      json.RawMessage
		Headers         map[string]any
		Cookies         []string
		Body            *string
		IsBase64Encoded bool
	}
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, fmt.Errorf("the function's answer has the wrong form: %w", err)
	}
	a := &urlAnswer{headers: map[string]string{}, cookies: in.Cookies}
	var err error
	if a.status, err = strconv.Atoi(strings.Trim(string(in.StatusCode), `"`)); err != nil || a.status < 200 || a.status > 599 {
		return nil, fmt.Errorf("the function's answer has the statusCode %s", in.StatusCode)
	}
	for name, value := range in.Headers {
		switch value.(type) {
		case string, float64, bool:
			a.headers[http.CanonicalHeaderKey(name)] = fmt.Sprint(value)
		default:
			return nil, fmt.Errorf("the header %s in the function's answer is no text, number or boolean", name)
		}
	}
	if in.Body != nil {
		a.body = []byte(*in.Body)
		if in.IsBase64Encoded {
			if a.body, err = base64.StdEncoding.DecodeString(*in.Body); err != nil {
				return nil, fmt.Errorf("the body in the function's answer is not base64, although isBase64Encoded is true: %w", err)
			}
		}
	}
	if a.headers["Content-Type"] == "" {
		a.headers["Content-Type"] = "application/json"
	}
	return a, nil
}
