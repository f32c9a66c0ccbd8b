package apigateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"quotewire/cloud/apigateway/socket"
	"quotewire/cloud/protocol"
)

// maxControlBody bounds a request of the control plane.
const maxControlBody = 4 << 20

// request is one operation of the control plane.
type request struct {
	ctx    context.Context
	method string
	path   []string // unescaped, without the version
	query  url.Values
	body   []byte
}

// response is its outcome; a nil body is an answer without one.
type response struct {
	status int
	body   any
}

// ServeHTTP answers the control plane, version 2018-11-29, whose paths begin with /v2/.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amz-Apigw-Id", requestID(""))
	answer, err := s.control(r)
	if err != nil {
		var known *protocol.Error
		if !errors.As(err, &known) {
			s.Log.Error("an operation of API Gateway's control plane failed", "operation", r.Method+" "+r.URL.Path, "error", err)
		} else {
			err = known
		}
		protocol.WriteError(w, protocol.RESTJSON, err)
		return
	}
	w.Header().Set("X-Amzn-Requestid", protocol.RequestID())
	if answer.body == nil {
		w.WriteHeader(answer.status)
		return
	}
	writeJSON(w, answer.status, "", encode(answer.body))
}

func (s *Service) control(r *http.Request) (response, error) {
	escaped := r.URL.EscapedPath()
	below, ok := strings.CutPrefix(escaped, "/v2/")
	segments, valid := splitPath(below)
	if !ok || !valid {
		return response{}, unknownOperation(r.Method, escaped)
	}
	body, err := protocol.ReadBody(r, maxControlBody)
	if err != nil {
		return response{}, err
	}
	q := &request{r.Context(), r.Method, segments, r.URL.Query(), body}
	if err := s.allow(q, q.method, below); err != nil {
		return response{}, err
	}
	if q.method == http.MethodPost && hasTags(body) && segments[0] != "tags" {
		if err := s.allow(q, http.MethodPost, "tags/*"); err != nil {
			return response{}, err
		}
	}
	if err := s.mayPass(q); err != nil {
		return response{}, err
	}
	switch {
	case segments[0] == "apis" && len(segments) == 1:
		return s.apis(q)
	case segments[0] == "apis" && len(segments) == 2:
		return s.api(q, segments[1])
	case segments[0] == "apis":
		return s.underAPI(q, segments[1], segments[2:])
	case segments[0] == "domainnames":
		return s.domainNames(q, segments[1:])
	case segments[0] == "tags" && len(segments) == 2:
		return s.tags(q, segments[1])
	}
	return response{}, unknownOperation(r.Method, escaped)
}

// allow asks IAM for the action and the resource that stand for an operation: its verb and its path.
func (s *Service) allow(q *request, method, path string) error {
	var keys map[string]string
	if len(q.path) > 1 && q.path[0] == "apis" {
		if a := s.catalog.get(q.path[1]); a != nil {
			keys = map[string]string{}
			for name, value := range a.Properties.Tags {
				keys["aws:ResourceTag/"+name] = value
			}
		}
	}
	return s.IAM.Authorize(q.ctx, protocol.RESTJSON, "apigateway:"+method, "arn:aws:apigateway:"+s.Region+"::/"+path, keys)
}

// mayPass asks whether the caller may give API Gateway the role that a request names: without that, whoever may write an
// integration could act as any role that trusts API Gateway.
func (s *Service) mayPass(q *request) error {
	var named struct {
		CredentialsARN           string `json:"credentialsArn"`
		AuthorizerCredentialsARN string `json:"authorizerCredentialsArn"`
	}
	if q.method == http.MethodGet || json.Unmarshal(q.body, &named) != nil {
		return nil // what is no JSON is refused by the operation
	}
	for _, role := range []string{named.CredentialsARN, named.AuthorizerCredentialsARN} {
		if !strings.Contains(role, ":role/") {
			continue // none, or the caller's own credentials
		}
		keys := map[string]string{"iam:PassedToService": "apigateway.amazonaws.com"}
		if err := s.IAM.Authorize(q.ctx, protocol.RESTJSON, "iam:PassRole", role, keys); err != nil {
			return err
		}
	}
	return nil
}

func hasTags(body []byte) bool {
	var b struct {
		Tags map[string]string `json:"tags"`
	}
	return json.Unmarshal(body, &b) == nil && len(b.Tags) > 0
}

func unknownOperation(method, path string) error {
	service := "apigatewayv2"
	if !strings.HasPrefix(path, "/v2/") {
		service = "apigateway" // version 1, of which nothing is here
	}
	return absent.Unknown(protocol.RESTJSON, service, method, path)
}

// decode reads a body over v: what the body lacks stays as it is in v.
func (q *request) decode(v any) error {
	if len(q.body) == 0 {
		return nil
	}
	if err := json.Unmarshal(q.body, v); err != nil {
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			return badRequest("Invalid value for %s: it must be of type %s", kind.Field, kind.Type)
		}
		return badRequest("Unable to parse the request body: %v", err)
	}
	return nil
}

// change replaces an API by what f makes of a copy of it. Stages that deploy themselves follow, and connections to what
// is no longer there are closed.
func (s *Service) change(ctx context.Context, apiID string, f func(a *api) error) error {
	s.catalog.writing.Lock()
	defer s.catalog.writing.Unlock()
	old := s.catalog.get(apiID)
	if old == nil {
		return s.noAPI(apiID)
	}
	next := old.clone()
	if err := f(next); err != nil {
		return err
	}
	next.autoDeploy()
	if err := s.catalog.put(ctx, old, next); err != nil {
		return err
	}
	s.closeOrphans(apiID)
	return nil
}

// closeOrphans closes the connections of an API whose stage is gone, and forgets its throttling.
func (s *Service) closeOrphans(apiID string) {
	s.throttles.forget(apiID, s.catalog.get(apiID))
	s.hub.each(func(c *conn) {
		if c.apiID != apiID {
			return
		}
		if a := s.catalog.get(apiID); a == nil || a.Stages[c.stage] == nil {
			c.Shut(socket.GoingAway, goingAway)
		}
	})
}

// collection is one kind of resource below an API: how its operations, which are all alike, differ from the others'.
type collection[T any] struct {
	noun string // in the text of an error: Invalid {noun} identifier specified
	// of returns where the resources are kept in an API; those below another resource are found with its id.
	of func(a *api, parent string) (map[string]*T, error)
	// prepare checks a resource and completes it; old is nil at its creation. It returns the id.
	prepare func(a *api, item, old *T) (string, error)
	// remove says why a resource must stay, or removes what hangs on it; it may be nil.
	remove func(a *api, id string) error
}

// serve answers the operations on a collection: without an id those on the whole.
func serve[T any](s *Service, k collection[T], q *request, apiID, parent, id string) (response, error) {
	switch {
	case id == "" && q.method == http.MethodPost:
		return store(s, k, q, apiID, parent, "")
	case id != "" && q.method == http.MethodPatch:
		return store(s, k, q, apiID, parent, id)
	case q.method == http.MethodGet:
		a := s.catalog.get(apiID)
		if a == nil {
			return response{}, s.noAPI(apiID)
		}
		items, err := k.of(a, parent)
		if err != nil {
			return response{}, err
		}
		if id == "" {
			return page(q, items)
		}
		if item := items[id]; item != nil {
			return response{http.StatusOK, item}, nil
		}
		return response{}, k.missing(id)
	case id != "" && q.method == http.MethodDelete:
		return response{status: http.StatusNoContent}, s.change(q.ctx, apiID, func(a *api) error {
			items, err := k.of(a, parent)
			if err != nil {
				return err
			}
			if items[id] == nil {
				return k.missing(id)
			}
			if k.remove != nil {
				if err := k.remove(a, id); err != nil {
					return err
				}
			}
			delete(items, id)
			return nil
		})
	}
	return response{}, unknownOperation(q.method, "/v2/"+strings.Join(q.path, "/"))
}

// store creates a resource, or changes the one of that id.
func store[T any](s *Service, k collection[T], q *request, apiID, parent, id string) (response, error) {
	var item *T
	err := s.change(q.ctx, apiID, func(a *api) error {
		items, err := k.of(a, parent)
		if err != nil {
			return err
		}
		var old *T
		item = new(T)
		if id != "" {
			if item = items[id]; item == nil {
				return k.missing(id)
			}
			before := *item
			old = &before
		}
		if err := q.decode(item); err != nil {
			return err
		}
		key, err := k.prepare(a, item, old)
		if err != nil {
			return err
		}
		if old == nil && items[key] != nil {
			return conflict("%s already exists", k.noun)
		}
		items[key] = item
		return nil
	})
	status := http.StatusOK
	if id == "" {
		status = http.StatusCreated
	}
	return response{status, item}, err
}

func (k collection[T]) missing(id string) error {
	if k.noun == "Stage" {
		return notFound(k.noun, "Invalid stage identifier specified")
	}
	return notFound(k.noun, "Invalid %s identifier specified %s", k.noun, id)
}

// page answers with the items in the order of their keys, as many as the request wants.
func page[T any](q *request, items map[string]*T) (response, error) {
	keys := slices.Sorted(maps.Keys(items))
	first, keys, token, err := pageOf(q, keys)
	if err != nil {
		return response{}, err
	}
	list := make([]*T, 0, len(keys))
	for _, key := range keys[first:] {
		list = append(list, items[key])
	}
	return response{http.StatusOK, listing[T]{list, token}}, nil
}

type listing[T any] struct {
	Items     []*T   `json:"items"`
	NextToken string `json:"nextToken,omitempty"`
}

// pageOf cuts sorted keys to the page that a request asks for: those from first on, and the token of the next page.
func pageOf(q *request, keys []string) (first int, page []string, token string, err error) {
	if t := q.query.Get("nextToken"); t != "" {
		after, err := base64.RawURLEncoding.DecodeString(t)
		if err != nil {
			return 0, nil, "", badRequest("Invalid nextToken: %s", t)
		}
		at, found := slices.BinarySearch(keys, string(after))
		if found {
			at++
		}
		first = at
	}
	if m := q.query.Get("maxResults"); m != "" {
		n, err := strconv.Atoi(m)
		if err != nil || n < 1 {
			return 0, nil, "", badRequest("Invalid maxResults: it must be a positive number")
		}
		if first+n < len(keys) {
			keys = keys[:first+n]
			token = base64.RawURLEncoding.EncodeToString([]byte(keys[len(keys)-1]))
		}
	}
	return first, keys, token, nil
}

// underAPI answers for what is below an API.
func (s *Service) underAPI(q *request, apiID string, path []string) (response, error) {
	id, nested, nestedID := part(path, 1), part(path, 2), part(path, 3)
	switch {
	case len(path) > 4, len(path) > 1 && id == "":
	case len(path) <= 2:
		switch path[0] {
		case "integrations":
			return serve(s, s.integrations(), q, apiID, "", id)
		case "routes":
			return serve(s, s.routes(), q, apiID, "", id)
		case "stages":
			return serve(s, s.stages(), q, apiID, "", id)
		case "deployments":
			if id == "" && q.method == http.MethodPost {
				return s.createDeployment(q, apiID)
			}
			return serve(s, s.deployments(), q, apiID, "", id)
		case "authorizers":
			if err := s.checkIssuer(q); err != nil {
				return response{}, err
			}
			return serve(s, s.authorizers(), q, apiID, "", id)
		case "models":
			return serve(s, s.models(), q, apiID, "", id)
		case "cors":
			if q.method == http.MethodDelete && id == "" {
				return response{status: http.StatusNoContent}, s.change(q.ctx, apiID, func(a *api) error {
					a.Properties.CORSConfiguration = nil
					return nil
				})
			}
		}
	case path[0] == "integrations" && nested == "integrationresponses":
		return serve(s, s.integrationResponses(), q, apiID, id, nestedID)
	case path[0] == "routes" && nested == "routeresponses":
		return serve(s, s.routeResponses(), q, apiID, id, nestedID)
	case path[0] == "stages" && q.method == http.MethodDelete:
		return s.stripStage(q, apiID, id, nested, nestedID)
	}
	return response{}, unknownOperation(q.method, "/v2/"+strings.Join(q.path, "/"))
}

func part(path []string, i int) string {
	if i < len(path) {
		return path[i]
	}
	return ""
}
