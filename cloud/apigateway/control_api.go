package apigateway

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// httpSelection is the route selection expression of every HTTP API.
const httpSelection = "$request.method $request.path"

// apis answers for the APIs as a whole.
func (s *Service) apis(q *request) (response, error) {
	switch q.method {
	case http.MethodPost:
		return s.createAPI(q)
	case http.MethodGet:
		items := map[string]*apiProperties{}
		for _, a := range s.catalog.all() {
			items[a.id()] = s.view(a)
		}
		return page(q, items)
	}
	return response{}, unknownOperation(q.method, "/v2/apis")
}

// api answers for one API.
func (s *Service) api(q *request, id string) (response, error) {
	switch q.method {
	case http.MethodGet:
		a := s.catalog.get(id)
		if a == nil {
			return response{}, s.noAPI(id)
		}
		return response{http.StatusOK, s.view(a)}, nil
	case http.MethodPatch:
		err := s.change(q.ctx, id, func(a *api) error {
			old := a.Properties
			p := &a.Properties
			var quick quickCreate
			if err := q.decode(&quick); err != nil {
				return err
			}
			p.CORSConfiguration = nil // it is replaced as a whole
			if err := q.decode(p); err != nil {
				return err
			}
			if p.CORSConfiguration == nil {
				p.CORSConfiguration = old.CORSConfiguration
			}
			p.APIID, p.CreatedDate, p.ProtocolType, p.Tags = old.APIID, old.CreatedDate, old.ProtocolType, old.Tags
			if err := checkAPI(p); err != nil {
				return err
			}
			return quick.update(a)
		})
		if err != nil {
			return response{}, err
		}
		return response{http.StatusOK, s.view(s.catalog.get(id))}, nil
	case http.MethodDelete:
		return response{status: http.StatusNoContent}, s.deleteAPI(q.ctx, id)
	}
	return response{}, unknownOperation(q.method, "/v2/apis/"+id)
}

func (s *Service) deleteAPI(ctx context.Context, id string) error {
	s.catalog.writing.Lock()
	defer s.catalog.writing.Unlock()
	a := s.catalog.get(id)
	if a == nil {
		return s.noAPI(id)
	}
	if err := s.catalog.put(ctx, a, nil); err != nil {
		return err
	}
	s.closeOrphans(id)
	return nil
}

// view is an API as its callers see it, with the address at which it is reached at this moment.
func (s *Service) view(a *api) *apiProperties {
	p := a.Properties
	scheme := "http"
	if a.isWebSocket() {
		scheme = "ws"
	}
	p.APIEndpoint = scheme + "://" + s.Authority + pathPrefix + p.APIID
	return &p
}

// quickCreate are the members of CreateApi that make an HTTP API with all that it needs.
type quickCreate struct {
	Target, RouteKey, CredentialsARN string
}

func (s *Service) createAPI(q *request) (response, error) {
	a := newAPI()
	p := &a.Properties
	var quick quickCreate
	if err := q.decode(p); err != nil {
		return response{}, err
	}
	if err := q.decode(&quick); err != nil {
		return response{}, err
	}
	p.CreatedDate, p.APIEndpoint = now(), ""
	if p.Tags == nil {
		p.Tags = map[string]string{}
	}
	if err := checkAPI(p); err != nil {
		return response{}, err
	}
	if err := s.quickCreate(a, quick); err != nil {
		return response{}, err
	}
	s.catalog.writing.Lock()
	defer s.catalog.writing.Unlock()
	p.APIID = s.IDs[p.Name]
	for p.APIID == "" || s.catalog.get(p.APIID) != nil {
		p.APIID = resourceID(10)
	}
	a.autoDeploy()
	if err := s.catalog.put(q.ctx, nil, a); err != nil {
		return response{}, err
	}
	s.Log.Debug("API created", "api", p.APIID, "name", p.Name, "protocol", p.ProtocolType)
	return response{http.StatusCreated, s.view(a)}, nil
}

// quickCreate gives an HTTP API a route to its target and a stage that deploys itself.
func (s *Service) quickCreate(a *api, quick quickCreate) error {
	if quick == (quickCreate{}) {
		return nil
	}
	switch {
	case a.isWebSocket():
		return badRequest("target, routeKey and credentialsArn are for HTTP APIs only")
	case quick.Target == "":
		return badRequest("target is needed with routeKey or credentialsArn")
	}
	in := &integration{APIGatewayManaged: true, CredentialsARN: quick.CredentialsARN}
	in.aim(quick.Target)
	id, err := s.integrations().prepare(a, in, nil)
	if err != nil {
		return err
	}
	a.Integrations[id] = in
	r := &route{APIGatewayManaged: true, RouteKey: quick.RouteKey, Target: "integrations/" + id}
	if r.RouteKey == "" {
		r.RouteKey = "$default"
	}
	if id, err = s.routes().prepare(a, r, nil); err != nil {
		return err
	}
	a.Routes[id] = r
	st := &stage{APIGatewayManaged: true, StageName: "$default", AutoDeploy: true}
	if id, err = s.stages().prepare(a, st, nil); err != nil {
		return err
	}
	a.Stages[id] = st
	return nil
}

// aim points an integration that API Gateway manages at a function or at an HTTP backend.
func (in *integration) aim(target string) {
	in.IntegrationURI = target
	if strings.HasPrefix(target, "arn:") {
		in.IntegrationType, in.IntegrationMethod, in.PayloadFormatVersion = "AWS_PROXY", "", "2.0"
	} else {
		in.IntegrationType, in.IntegrationMethod, in.PayloadFormatVersion = "HTTP_PROXY", "ANY", "1.0"
	}
}

// update changes what quick create made: the integration's target and role, and the route's key.
func (quick quickCreate) update(a *api) error {
	if quick == (quickCreate{}) {
		return nil
	}
	for _, r := range a.Routes {
		in := a.Integrations[strings.TrimPrefix(r.Target, "integrations/")]
		if !r.APIGatewayManaged || in == nil || !in.APIGatewayManaged {
			continue
		}
		if quick.Target != "" {
			in.aim(quick.Target)
		}
		if quick.CredentialsARN != "" {
			in.CredentialsARN = quick.CredentialsARN
		}
		for _, other := range a.Routes {
			if other != r && other.RouteKey == quick.RouteKey {
				return conflict("Route with key %s already exists for this API", quick.RouteKey)
			}
		}
		if quick.RouteKey != "" {
			r.RouteKey = quick.RouteKey
		}
		return cmp.Or(in.check(a), r.check(a))
	}
	return badRequest("target, routeKey and credentialsArn are for APIs that quick create made: this one has no route and integration that API Gateway manages")
}

// checkAPI checks the properties of an API and sets those that have a default.
func checkAPI(p *apiProperties) error {
	if p.Name == "" {
		return badRequest("name is required")
	}
	if len(p.Name) > 128 {
		return badRequest("name may have 128 characters")
	}
	switch p.ProtocolType {
	case "WEBSOCKET":
		if p.RouteSelectionExpression == "" {
			return badRequest("RouteSelectionExpression is required for WEBSOCKET APIs")
		}
		if _, err := parseSelection(p.RouteSelectionExpression); err != nil {
			return badRequest("Invalid routeSelectionExpression: %v", err)
		}
		if p.CORSConfiguration != nil {
			return badRequest("corsConfiguration is for HTTP APIs only")
		}
	case "HTTP":
		if p.RouteSelectionExpression == "" {
			p.RouteSelectionExpression = httpSelection
		}
		if !isMethodAndPath(p.RouteSelectionExpression) {
			return badRequest("Invalid routeSelectionExpression: that of an HTTP API is %s", httpSelection)
		}
		if p.CORSConfiguration != nil {
			if err := p.CORSConfiguration.check(); err != nil {
				return err
			}
		}
	default:
		return badRequest("Invalid protocol specified. Must be one of [HTTP, WEBSOCKET]")
	}
	if p.APIKeySelectionExpression == "" {
		p.APIKeySelectionExpression = "$request.header.x-api-key"
	}
	if p.IPAddressType == "" {
		p.IPAddressType = "ipv4"
	}
	if p.IPAddressType != "ipv4" && p.IPAddressType != "dualstack" {
		return badRequest("Invalid ipAddressType %s: it must be ipv4 or dualstack", p.IPAddressType)
	}
	return nil
}

// tags answers for the tags of an API or of a stage, which its ARN names.
func (s *Service) tags(q *request, arn string) (response, error) {
	below, ok := strings.CutPrefix(arn, "arn:aws:apigateway:"+s.Region+"::/apis/")
	path := strings.Split(below, "/")
	if !ok || len(path) != 1 && !(len(path) == 3 && path[1] == "stages") {
		return response{}, badRequest("Invalid resource ARN %s: an API or a stage has tags", arn)
	}
	find := func(a *api) (map[string]string, error) {
		if len(path) == 1 {
			return a.Properties.Tags, nil
		}
		st := a.Stages[path[2]]
		if st == nil {
			return nil, notFound("Stage", "Invalid stage identifier specified")
		}
		return st.Tags, nil
	}
	change := func(f func(map[string]string)) error {
		return s.change(q.ctx, path[0], func(a *api) error {
			tags, err := find(a)
			if err == nil {
				f(tags)
			}
			return err
		})
	}
	switch q.method {
	case http.MethodGet:
		a := s.catalog.get(path[0])
		if a == nil {
			return response{}, s.noAPI(path[0])
		}
		tags, err := find(a)
		return response{http.StatusOK, map[string]any{"tags": tags}}, err
	case http.MethodPost:
		var body struct {
			Tags map[string]string `json:"tags"`
		}
		if err := q.decode(&body); err != nil {
			return response{}, err
		}
		return response{http.StatusCreated, struct{}{}}, change(func(tags map[string]string) { maps.Copy(tags, body.Tags) })
	case http.MethodDelete:
		keys := q.query["tagKeys"]
		return response{status: http.StatusNoContent}, change(func(tags map[string]string) {
			maps.DeleteFunc(tags, func(k, _ string) bool { return slices.Contains(keys, k) })
		})
	}
	return response{}, unknownOperation(q.method, "/v2/tags")
}
