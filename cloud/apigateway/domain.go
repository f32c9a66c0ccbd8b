package apigateway

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"quotewire/cloud/state"
)

// domainName is a name of its owner's for APIs, with what is reached under it.
type domainName struct {
	DomainName                    string                `json:"domainName"`
	DomainNameARN                 string                `json:"domainNameArn"`
	APIMappingSelectionExpression string                `json:"apiMappingSelectionExpression"`
	DomainNameConfigurations      []domainConfiguration `json:"domainNameConfigurations"`
	Tags                          map[string]string     `json:"tags"`

	Mappings map[string]*apiMapping `json:"mappings,omitempty"` // in the state; its view has none
}

type domainConfiguration struct {
	APIGatewayDomainName string `json:"apiGatewayDomainName"`
	CertificateARN       string `json:"certificateArn"`
	DomainNameStatus     string `json:"domainNameStatus"`
	EndpointType         string `json:"endpointType"`
	HostedZoneID         string `json:"hostedZoneId"`
	IPAddressType        string `json:"ipAddressType"`
	SecurityPolicy       string `json:"securityPolicy"`
}

// apiMapping leads a path of a domain name to a stage. Its key has no slash at either end; "" is every path that no other
// mapping has.
type apiMapping struct {
	APIID         string `json:"apiId"`
	APIMappingID  string `json:"apiMappingId"`
	APIMappingKey string `json:"apiMappingKey"`
	Stage         string `json:"stage"`
}

// regionalZone is the hosted zone of regional endpoints in us-east-1, for alias records.
const regionalZone = "Z1UJRXOUMOOFQ8"

// domains holds all domain names. Requests take no lock: they see the last published set as a whole.
type domains struct {
	bucket *state.Bucket

	writing sync.Mutex // one change at a time
	byName  atomic.Pointer[map[string]*domainName]
}

func openDomains(ctx context.Context, store *state.Store) (*domains, error) {
	bucket, err := store.Bucket(ctx, "apigateway-domains")
	if err != nil {
		return nil, err
	}
	entries, err := bucket.All(ctx)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]*domainName, len(entries))
	for _, e := range entries {
		d := &domainName{}
		if err := json.Unmarshal(e.Value, d); err != nil {
			return nil, fmt.Errorf("state of the domain name %s: %w", e.Key, err)
		}
		byName[e.Key] = d
	}
	ds := &domains{bucket: bucket}
	ds.byName.Store(&byName)
	return ds, nil
}

func (ds *domains) get(name string) *domainName { return (*ds.byName.Load())[name] }

// put stores and publishes a domain name in place of the one of that name; nil removes it. The caller holds ds.writing.
func (ds *domains) put(ctx context.Context, name string, d *domainName) error {
	next := maps.Clone(*ds.byName.Load())
	if d == nil {
		if err := ds.bucket.Delete(ctx, name); err != nil {
			return err
		}
		delete(next, name)
	} else {
		text, err := json.Marshal(d)
		if err == nil {
			_, err = ds.bucket.Put(ctx, name, text)
		}
		if err != nil {
			return err
		}
		next[name] = d
	}
	ds.byName.Store(&next)
	return nil
}

// change replaces a domain name by what f makes of a copy of it.
func (ds *domains) change(ctx context.Context, name string, f func(d *domainName) error) error {
	ds.writing.Lock()
	defer ds.writing.Unlock()
	old := ds.get(name)
	if old == nil {
		return noDomain(name)
	}
	d := *old
	d.DomainNameConfigurations, d.Mappings = slices.Clone(d.DomainNameConfigurations), maps.Clone(d.Mappings)
	if err := f(&d); err != nil {
		return err
	}
	return ds.put(ctx, name, &d)
}

// maps reports whether some domain name leads to the API.
func (ds *domains) maps(apiID string) bool {
	for _, d := range *ds.byName.Load() {
		for _, m := range d.Mappings {
			if m.APIID == apiID {
				return true
			}
		}
	}
	return false
}

func noDomain(name string) error {
	return notFound("DomainName", "Invalid domain name identifier specified %s", name)
}

// IsDomain reports whether a Host header is a domain name that somebody has given to APIs.
func (s *Service) IsDomain(host string) bool {
	return len(*s.domains.byName.Load()) > 0 && s.domains.get(hostname(host)) != nil
}

// mapped finds the mapping of a request by its host and its escaped path: of several the one with the longest key. below
// is the path without the key. ours says that the host is a domain name of APIs; then a nil mapping leads nowhere.
func (s *Service) mapped(r *http.Request) (m *apiMapping, below string, ours bool) {
	if !s.IsDomain(r.Host) {
		return nil, "", false
	}
	path := r.URL.EscapedPath()
	for _, candidate := range s.domains.get(hostname(r.Host)).Mappings {
		rest, ok := path, true
		if candidate.APIMappingKey != "" {
			rest, ok = strings.CutPrefix(path, "/"+candidate.APIMappingKey)
			ok = ok && (rest == "" || rest[0] == '/')
		}
		if ok && (m == nil || len(candidate.APIMappingKey) > len(m.APIMappingKey)) {
			m, below = candidate, rest
		}
	}
	return m, below, true
}

// closed reports whether an API does not answer at the address of a request: it may be reached at its domain names alone.
func (s *Service) closed(a *api, r *http.Request) bool {
	return a.Properties.DisableExecuteAPIEndpoint && !s.IsDomain(r.Host)
}

// domainNames answers for domain names and their mappings; path is what follows domainnames.
func (s *Service) domainNames(q *request, path []string) (response, error) {
	switch {
	case len(path) == 0 && q.method == http.MethodPost:
		return s.createDomain(q)
	case len(path) == 0 && q.method == http.MethodGet:
		views := map[string]*domainName{}
		for name, d := range *s.domains.byName.Load() {
			views[name] = d.view()
		}
		return page(q, views)
	case len(path) == 1:
		return s.domain(q, strings.ToLower(path[0]))
	case len(path) <= 3 && path[1] == "apimappings":
		return s.mappings(q, strings.ToLower(path[0]), path[2:])
	}
	return response{}, unknownOperation(q.method, "/v2/"+strings.Join(q.path, "/"))
}

func (d *domainName) view() *domainName {
	v := *d
	v.Mappings = nil
	return &v
}

var domainForm = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

// complete checks what is configured of a domain name and sets what has a default. Name is that of the endpoint.
func (d *domainName) complete(endpoint string) error {
	if len(d.DomainNameConfigurations) != 1 {
		return badRequest("A domain name has one configuration, of its regional endpoint")
	}
	c := &d.DomainNameConfigurations[0]
	for _, p := range []struct {
		value *string
		def   string
	}{{&c.EndpointType, "REGIONAL"}, {&c.SecurityPolicy, "TLS_1_2"}, {&c.IPAddressType, "ipv4"}} {
		if *p.value == "" {
			*p.value = p.def
		}
	}
	switch {
	case !strings.HasPrefix(c.CertificateARN, "arn:aws:acm:"):
		return badRequest("Invalid certificate ARN: %s. Certificate must be an ACM certificate", c.CertificateARN)
	case c.EndpointType != "REGIONAL":
		return badRequest("Invalid endpointType %s: it must be REGIONAL", c.EndpointType)
	case c.SecurityPolicy != "TLS_1_2":
		return badRequest("Invalid securityPolicy %s: it must be TLS_1_2", c.SecurityPolicy)
	case c.IPAddressType != "ipv4" && c.IPAddressType != "dualstack":
		return badRequest("Invalid ipAddressType %s: it must be ipv4 or dualstack", c.IPAddressType)
	}
	c.APIGatewayDomainName, c.DomainNameStatus, c.HostedZoneID = endpoint, "AVAILABLE", regionalZone
	return nil
}

// domainSettings are what CreateDomainName and UpdateDomainName take that are not kept.
type domainSettings struct {
	MutualTLS   map[string]any `json:"mutualTlsAuthentication"`
	RoutingMode string         `json:"routingMode"`
}

func (q *request) decodeDomain(d *domainName) error {
	var also domainSettings
	if err := q.decode(&also); err != nil {
		return err
	}
	if len(also.MutualTLS) > 0 {
		return unsupported("mutualTlsAuthentication", "leave it out")
	}
	if also.RoutingMode != "" && also.RoutingMode != "API_MAPPING_ONLY" {
		return unsupported("routing rules", "use API mappings")
	}
	return q.decode(d)
}

func (s *Service) createDomain(q *request) (response, error) {
	d := &domainName{}
	if err := q.decodeDomain(d); err != nil {
		return response{}, err
	}
	d.DomainName = strings.ToLower(d.DomainName)
	if !domainForm.MatchString(d.DomainName) || len(d.DomainName) > 253 {
		return response{}, badRequest("Invalid domain name %q: it has labels of letters, digits and hyphens; the embedded cloud has none with a *", d.DomainName)
	}
	if strings.HasSuffix(d.DomainName, ".amazonaws.com") || strings.HasSuffix(d.DomainName, ".api.aws") || strings.HasSuffix(d.DomainName, ".on.aws") {
		return response{}, badRequest("Invalid domain name %s: it is one of AWS's", d.DomainName)
	}
	if err := d.complete("d-" + resourceID(10) + ".execute-api." + s.Region + ".amazonaws.com"); err != nil {
		return response{}, err
	}
	d.DomainNameARN = "arn:aws:apigateway:" + s.Region + "::/domainnames/" + d.DomainName
	d.APIMappingSelectionExpression, d.Mappings = "$request.basepath", nil
	if d.Tags == nil {
		d.Tags = map[string]string{}
	}
	s.domains.writing.Lock()
	defer s.domains.writing.Unlock()
	if s.domains.get(d.DomainName) != nil {
		return response{}, conflict("The domain name you provided already exists.")
	}
	return response{http.StatusCreated, d}, s.domains.put(q.ctx, d.DomainName, d)
}

func (s *Service) domain(q *request, name string) (response, error) {
	switch q.method {
	case http.MethodGet:
		d := s.domains.get(name)
		if d == nil {
			return response{}, noDomain(name)
		}
		return response{http.StatusOK, d.view()}, nil
	case http.MethodPatch:
		err := s.domains.change(q.ctx, name, func(d *domainName) error {
			next := domainName{DomainNameConfigurations: d.DomainNameConfigurations}
			if err := q.decodeDomain(&next); err != nil {
				return err
			}
			endpoint := d.DomainNameConfigurations[0].APIGatewayDomainName
			d.DomainNameConfigurations = next.DomainNameConfigurations
			return d.complete(endpoint)
		})
		if err != nil {
			return response{}, err
		}
		return response{http.StatusOK, s.domains.get(name).view()}, nil
	case http.MethodDelete:
		s.domains.writing.Lock()
		defer s.domains.writing.Unlock()
		if s.domains.get(name) == nil {
			return response{}, noDomain(name)
		}
		return response{status: http.StatusNoContent}, s.domains.put(q.ctx, name, nil)
	}
	return response{}, unknownOperation(q.method, "/v2/domainnames/"+url.PathEscape(name))
}

// mappings answers for the mappings of a domain name, or for the one whose id is given.
func (s *Service) mappings(q *request, name string, id []string) (response, error) {
	d := s.domains.get(name)
	if d == nil {
		return response{}, noDomain(name)
	}
	if len(id) == 0 {
		switch q.method {
		case http.MethodGet:
			return page(q, d.Mappings)
		case http.MethodPost:
			return s.storeMapping(q, name, "")
		}
	} else if m := d.Mappings[id[0]]; m == nil {
		return response{}, notFound("ApiMapping", "Invalid API mapping identifier specified %s", id[0])
	} else {
		switch q.method {
		case http.MethodGet:
			return response{http.StatusOK, m}, nil
		case http.MethodPatch:
			return s.storeMapping(q, name, id[0])
		case http.MethodDelete:
			return response{status: http.StatusNoContent}, s.domains.change(q.ctx, name, func(d *domainName) error {
				delete(d.Mappings, id[0])
				return nil
			})
		}
	}
	return response{}, unknownOperation(q.method, "/v2/"+strings.Join(q.path, "/"))
}

var mappingForm = regexp.MustCompile(`^([A-Za-z0-9$_.+!*'()-]+(/[A-Za-z0-9$_.+!*'()-]+)*)?$`)

// storeMapping makes a mapping, or changes the one of that id.
func (s *Service) storeMapping(q *request, name, id string) (response, error) {
	status, m := http.StatusOK, &apiMapping{}
	err := s.domains.change(q.ctx, name, func(d *domainName) error {
		if old := d.Mappings[id]; old != nil {
			*m = *old
		} else {
			status, id = http.StatusCreated, resourceID(6)
		}
		if err := q.decode(m); err != nil {
			return err
		}
		m.APIMappingID = id
		if !mappingForm.MatchString(m.APIMappingKey) || len(m.APIMappingKey) > 300 {
			return badRequest("API mapping key should not start with a '/' or have consecutive '/'s: %q", m.APIMappingKey)
		}
		a := s.catalog.get(m.APIID)
		if a == nil {
			return s.noAPI(m.APIID)
		}
		if a.Stages[m.Stage] == nil {
			return badRequest("Invalid stage identifier specified: the API %s has no stage %q", m.APIID, m.Stage)
		}
		for _, other := range d.Mappings {
			if other.APIMappingID == id {
				continue
			}
			if other.APIMappingKey == m.APIMappingKey {
				return conflict("ApiMapping key already exists for this domain name")
			}
			if b := s.catalog.get(other.APIID); b != nil && b.isWebSocket() != a.isWebSocket() {
				return badRequest("A domain name of WebSocket APIs cannot be mapped to HTTP APIs, and the other way about")
			}
		}
		if d.Mappings == nil {
			d.Mappings = map[string]*apiMapping{}
		}
		d.Mappings[id] = m
		return nil
	})
	return response{status, m}, err
}
