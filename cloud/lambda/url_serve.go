package lambda

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"quotewire/cloud/protocol"
)

// ResolveURL tells whether a request is for the URL of a function, for which, and with which escaped path below it. The
// addresses of a URL are
//
//	{id}.lambda-url.{region}.on.aws/…         as on AWS
//	{id}.lambda-url.localhost/…               resolved to this machine by browsers, also with a region
//	{any host}/_aws/lambda-url/{id}/…         what FunctionUrl says
func (s *Service) ResolveURL(r *http.Request) (id, path string, ok bool) {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	path = r.URL.EscapedPath()
	if id, rest, ok := strings.Cut(strings.ToLower(host), ".lambda-url."); ok {
		for _, domain := range []string{"localhost", s.Region + ".localhost", s.Region + ".on.aws"} {
			if rest == domain {
				return id, path, true
			}
		}
		return "", "", false
	}
	rest, ok := strings.CutPrefix(path, urlPathPrefix)
	if !ok {
		return "", "", false
	}
	id, path, _ = strings.Cut(rest, "/")
	return id, "/" + path, true
}

// SignedURL reports whether the callers of a URL have to sign their requests.
func (s *Service) SignedURL(id string) bool {
	u, _, _ := s.url(id)
	return u != nil && u.AuthType == authIAM
}

// url finds a URL by its id.
func (s *Service) url(id string) (*functionURL, *function, target) {
	t, ok := s.catalog.url(id)
	if !ok {
		return nil, nil, t
	}
	f := s.catalog.get(t.name)
	if f == nil || f.URLs[t.qualifier] == nil {
		return nil, nil, t
	}
	return f.URLs[t.qualifier], f, t
}

// ServeURL answers a request for the URL of a function: id and path are what ResolveURL returned. The request's context
// carries who signed it, if the URL wants it signed.
func (s *Service) ServeURL(w http.ResponseWriter, r *http.Request, id, path string) {
	u, f, t := s.url(id)
	x := newExecution(nil)
	w.Header().Set("x-amzn-RequestId", x.id)
	if u == nil {
		s.Log.Info("lambda: a request was refused: no function has this URL", "url", id)
		refuseURL(w, http.StatusForbidden, "AccessDeniedException")
		return
	}
	if u.Cors != nil && isPreflight(r) {
		u.Cors.decorate(w.Header(), r)
		w.WriteHeader(http.StatusOK)
		return
	}
	if !s.mayCall(r.Context(), u, f, t) {
		refuseURL(w, http.StatusForbidden, "AccessDeniedException")
		return
	}
	body, err := protocol.ReadBody(r, maxPayload)
	if err != nil {
		refuseURL(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException")
		return
	}
	if x.payload = mustJSON(s.urlEvent(u, r, path, x.id, body)); len(x.payload) > maxPayload {
		refuseURL(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException")
		return
	}
	if u.InvokeMode == modeStream {
		s.streamURL(w, r, u, f, t, x)
		return
	}
	result, err := s.execute(r.Context(), f, t, x)
	if err != nil {
		s.failURL(w, r, u, t, err)
		return
	}
	s.answerURL(w, r, u, t, result)
}

// answerURL sends what a function returned at once.
func (s *Service) answerURL(w http.ResponseWriter, r *http.Request, u *functionURL, t target, result Result) {
	if result.FunctionError != "" {
		s.Log.Info("lambda: the caller of a function's URL gets 502: the function failed, and its log shows why", "function", t.name, "functionRequestId", result.RequestID)
		s.brokenURL(w, r, u)
		return
	}
	a, err := parseURLAnswer(buffered(result))
	if err != nil {
		s.Log.Warn("lambda: the caller of a function's URL gets 502: "+err.Error(), "function", t.name, "functionRequestId", result.RequestID)
		s.brokenURL(w, r, u)
		return
	}
	a.head(w, r, u)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	w.Write(a.body)
}

// head sets the headers of an answer. What belongs to the connection is not the function's.
func (a *urlAnswer) head(w http.ResponseWriter, r *http.Request, u *functionURL) {
	h := w.Header()
	for name, value := range a.headers {
		switch name {
		case "Connection", "Transfer-Encoding", "Content-Length", "Keep-Alive", "Upgrade", "X-Amzn-Requestid":
		default:
			h.Set(name, value)
		}
	}
	for _, cookie := range a.cookies {
		h.Add("Set-Cookie", cookie)
	}
	if u.Cors != nil {
		u.Cors.decorate(h, r)
	}
}

// streamURL sends what a function streams, as it comes. A function that answers at once is shown as it answered: its
// payload is the body, whatever it says.
func (s *Service) streamURL(w http.ResponseWriter, r *http.Request, u *functionURL, f *function, t target, x *execution) {
	x.stream = newStream()
	defer x.stream.reader.Close()
	if err := s.begin(f, t, x); err != nil {
		s.failURL(w, r, u, t, err)
		return
	}
	switch o, streams, err := x.first(r.Context()); {
	case streams:
	case err != nil:
		s.failURL(w, r, u, t, err)
		return
	case o.FunctionError != "":
		s.answerURL(w, r, u, t, o)
		return
	default:
		a := &urlAnswer{headers: map[string]string{"Content-Type": o.contentType}}
		a.head(w, r, u)
		w.Write(o.Payload)
		return
	}
	a := &urlAnswer{status: http.StatusOK, headers: map[string]string{"Content-Type": x.stream.contentType}}
	if x.stream.contentType == integrationResponse {
		p, rest, err := readPrelude(x.stream.reader)
		if err != nil {
			s.Log.Warn("lambda: the caller of a function's URL gets 502: "+err.Error(), "function", t.name, "functionRequestId", x.id)
			s.brokenURL(w, r, u)
			return
		}
		a = &urlAnswer{status: p.StatusCode, headers: map[string]string{}, cookies: p.Cookies, body: rest}
		for name, value := range p.Headers {
			a.headers[http.CanonicalHeaderKey(name)] = value
		}
	}
	if a.headers["Content-Type"] == "" {
		a.headers["Content-Type"] = "application/octet-stream"
	}
	a.head(w, r, u)
	w.WriteHeader(a.status)
	flush := http.NewResponseController(w).Flush
	w.Write(a.body)
	flush()
	buffer := parts.Get().(*[32 << 10]byte)
	defer parts.Put(buffer)
	for {
		n, err := x.stream.reader.Read(buffer[:])
		if _, refused := w.Write(buffer[:n]); refused != nil {
			return // the caller has left
		}
		flush()
		if err == io.EOF {
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler) // a response that ended well would say that it is whole
		}
	}
}

// failURL answers a caller whose function could not be run.
func (s *Service) failURL(w http.ResponseWriter, r *http.Request, u *functionURL, t target, err error) {
	var refused *protocol.Error
	switch {
	case r.Context().Err() != nil:
	case errors.As(err, &refused) && refused.Status == http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "1")
		protocol.WriteError(w, protocol.RESTJSON, refused)
	default:
		s.Log.Warn("lambda: the caller of a function's URL gets 502: the function could not be run", "function", t.name, "error", err)
		s.brokenURL(w, r, u)
	}
}

// brokenURL is how AWS tells the caller that the function is at fault.
func (s *Service) brokenURL(w http.ResponseWriter, r *http.Request, u *functionURL) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if u.Cors != nil {
		u.Cors.decorate(h, r)
	}
	w.WriteHeader(http.StatusBadGateway)
	io.WriteString(w, "Internal Server Error")
}

func refuseURL(w http.ResponseWriter, status int, kind string) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("x-amzn-ErrorType", kind)
	w.WriteHeader(status)
	text := "Forbidden"
	if status != http.StatusForbidden {
		text = "Request Entity Too Large"
	}
	w.Write(mustJSON(map[string]string{"Message": text}))
}

// mayCall judges the caller of a URL. Since October 2025 AWS asks for two permissions, lambda:InvokeFunctionUrl and
// lambda:InvokeFunction. With NONE both must come from the resource policy; with AWS_IAM the caller's own policies do
// as well.
func (s *Service) mayCall(ctx context.Context, u *functionURL, f *function, t target) bool {
	keys := map[string]string{"lambda:FunctionUrlAuthType": u.AuthType, "lambda:InvokedViaFunctionUrl": "true"}
	for _, action := range []string{"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"} {
		if u.AuthType == authIAM {
			if s.IAM.AuthorizeResource(ctx, protocol.RESTJSON, action, s.arn(t), keys, s.resourcePolicy(f, t)) != nil {
				return false // IAM has logged it
			}
		} else if !s.allowsAnybody(f, t, action, keys) {
			s.Log.Warn("lambda: a request for a function's URL was refused: its resource policy does not allow "+action, "function", t.name, "add", urlPermission(action, u, t))
			return false
		}
	}
	return true
}

// urlPermission is the command that lets everyone call the URL of a function.
func urlPermission(action string, u *functionURL, t target) string {
	command := "aws lambda add-permission --function-name " + t.name
	if t.qualifier != "" {
		command += " --qualifier " + t.qualifier
	}
	command += " --statement-id " + strings.TrimPrefix(action, "lambda:") + " --action " + action + " --principal '*'"
	if action == "lambda:InvokeFunctionUrl" {
		return command + " --function-url-auth-type " + u.AuthType
	}
	return command + " --invoked-via-function-url"
}
