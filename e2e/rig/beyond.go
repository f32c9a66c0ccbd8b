package rig

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Beyond answers for the parts of CloudFront that moto lacks: it has no policies, forgets some of what a distribution was
// given, and deletes whatever it is told to. Here a change names the version that it is a change of, a distribution is
// disabled before it is deleted, and takes until it is asked again to be deployed; a policy is not deleted while it is used.
// And a certificate is pending until somebody has made the records that validate it. The key of a log group can be changed,
// which moto takes only when the group is made. Everything else is handed on to moto.
type Beyond struct {
	mu       sync.Mutex
	things   map[string]*thing // guarded by mu: policies and distributions by id
	order    []string          // guarded by mu: the ids of policies, in which they are listed
	made     int               // guarded by mu
	changing map[string]bool   // guarded by mu: distributions that are not deployed yet
	records  strings.Builder   // guarded by mu: all changes of hosted zones
	keys     map[string]string // guarded by mu: of log groups whose key was changed, "" for none
}

// NewBeyond is for a moto that has nothing yet.
func NewBeyond() *Beyond {
	return &Beyond{things: map[string]*thing{}, changing: map[string]bool{}, keys: map[string]string{}}
}

// thing is a policy or a distribution with the configuration that it was given last.
type thing struct {
	kind, config string
	version      int
}

func (t *thing) etag() string { return fmt.Sprintf("V%d", t.version) }

var (
	policyPath       = regexp.MustCompile(`^/2020-05-31/(cache|response-headers)-policy(?:/(\w+))?$`)
	distributionPath = regexp.MustCompile(`^/2020-05-31/distribution(?:/(\w+))?(/config)?$`)
	configElement    = regexp.MustCompile(`(?s)<DistributionConfig[ >].*</DistributionConfig>`)
	idElement        = regexp.MustCompile(`<Id>(\w+)</Id>`)
	nameElement      = regexp.MustCompile(`<Name>([^<]*)</Name>`)
	kinds            = map[string]string{"cache": "CachePolicy", "response-headers": "ResponseHeadersPolicy"}
)

// Do implements the SDK's HTTP client.
func (b *Beyond) Do(r *http.Request) (*http.Response, error) { return b.RoundTrip(r) }

// RoundTrip implements [http.RoundTripper].
func (b *Beyond) RoundTrip(r *http.Request) (*http.Response, error) {
	if m := policyPath.FindStringSubmatch(r.URL.Path); m != nil {
		return b.policy(r, kinds[m[1]], m[2])
	}
	if m := distributionPath.FindStringSubmatch(r.URL.Path); m != nil && (m[1] != "" || r.Method == http.MethodPost) {
		return b.distribution(r, m[1])
	}
	if r.Method == http.MethodDelete && strings.HasPrefix(r.URL.Path, "/2020-05-31/origin-access-control/") {
		response, err := http.DefaultTransport.RoundTrip(r)
		if err == nil && response.StatusCode == 500 { // moto trips over one that is gone
			response.Body.Close()
			return refusal(r, 404, "NoSuchOriginAccessControl"), nil
		}
		return response, err
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/rrset") && r.Method == http.MethodPost:
		body, err := bodyOf(r)
		if err != nil {
			return nil, err
		}
		b.mu.Lock()
		b.records.WriteString(body)
		b.mu.Unlock()
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribeCertificate"):
		return b.certificate(r)
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), "ssociateKmsKey"):
		return b.associate(r)
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribeLogGroups"):
		return b.logGroups(r)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// certificate answers as moto, which issues certificates by itself, with the status that its records make it have.
func (b *Beyond) certificate(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || response.StatusCode != 200 {
		return response, err
	}
	defer response.Body.Close()
	var out struct{ Certificate map[string]any }
	if err := json.NewDecoder(response.Body).Decode(&out); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, option := range out.Certificate["DomainValidationOptions"].([]any) {
		record := option.(map[string]any)["ResourceRecord"].(map[string]any)
		if !strings.Contains(b.records.String(), "<Name>"+record["Name"].(string)+"</Name>") {
			out.Certificate["Status"] = "PENDING_VALIDATION"
		}
	}
	text, err := json.Marshal(out)
	answer := reply(r, 200, "", string(text))
	answer.Header.Set("Content-Type", "application/x-amz-json-1.1")
	return answer, err
}

// associate changes the key of a log group, or takes it away.
func (b *Beyond) associate(r *http.Request) (*http.Response, error) {
	var in struct{ LogGroupName, KmsKeyId string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keys[in.LogGroupName] = in.KmsKeyId
	answer := reply(r, 200, "", "{}")
	answer.Header.Set("Content-Type", "application/x-amz-json-1.1")
	return answer, nil
}

// logGroups answers as moto, with the keys as they were changed.
func (b *Beyond) logGroups(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || response.StatusCode != 200 {
		return response, err
	}
	defer response.Body.Close()
	var out struct {
		LogGroups []map[string]any `json:"logGroups"`
		NextToken string           `json:"nextToken,omitempty"`
	}
	if err := json.NewDecoder(response.Body).Decode(&out); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, g := range out.LogGroups {
		switch key, changed := b.keys[g["logGroupName"].(string)]; {
		case changed && key == "":
			delete(g, "kmsKeyId")
		case changed:
			g["kmsKeyId"] = key
		}
	}
	text, err := json.Marshal(out)
	answer := reply(r, 200, "", string(text))
	answer.Header.Set("Content-Type", "application/x-amz-json-1.1")
	return answer, err
}

// versioned is the thing of that id, or the answer that there is none or that the request names another version.
func (b *Beyond) versioned(r *http.Request, kind, id string) (*thing, *http.Response) {
	t := b.things[id]
	switch {
	case t == nil:
		return nil, refusal(r, 404, "NoSuch"+kind)
	case r.Method != http.MethodGet && r.Header.Get("If-Match") == "":
		return nil, refusal(r, 400, "InvalidIfMatchVersion")
	case r.Method != http.MethodGet && r.Header.Get("If-Match") != t.etag():
		return nil, refusal(r, 412, "PreconditionFailed")
	}
	return t, nil
}

func (b *Beyond) policy(r *http.Request, kind, id string) (*http.Response, error) {
	body, err := bodyOf(r)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case r.Method == http.MethodPost:
		for _, t := range b.things {
			if t.kind == kind && nameElement.FindString(t.config) == nameElement.FindString(body) {
				return refusal(r, 409, kind+"AlreadyExists"), nil
			}
		}
		b.made++
		id = fmt.Sprintf("P%012d", b.made)
		b.things[id] = &thing{kind: kind, config: body, version: 1}
		b.order = append(b.order, id)
		return b.one(r, 201, id), nil
	case id == "":
		return b.page(r, kind), nil
	}
	t, refused := b.versioned(r, kind, id)
	if refused != nil {
		return refused, nil
	}
	switch r.Method {
	case http.MethodPut:
		t.config = body
		t.version++
	case http.MethodDelete:
		for _, other := range b.things {
			if strings.Contains(other.config, id) {
				return refusal(r, 409, kind+"InUse"), nil
			}
		}
		delete(b.things, id)
		b.order = slices.DeleteFunc(b.order, func(have string) bool { return have == id })
		return reply(r, 204, "", ""), nil
	}
	return b.one(r, 200, id), nil
}

func (b *Beyond) element(id string) string {
	t := b.things[id]
	return fmt.Sprintf("<%s><Id>%s</Id><LastModifiedTime>2024-01-01T00:00:00Z</LastModifiedTime>%s</%[1]s>", t.kind, id, t.config)
}

func (b *Beyond) one(r *http.Request, status int, id string) *http.Response {
	return reply(r, status, b.things[id].etag(), b.element(id))
}

// page is one policy and where the next begins, so that a client which reads one page misses the others.
func (b *Beyond) page(r *http.Request, kind string) *http.Response {
	var ids []string
	for _, id := range b.order {
		if b.things[id].kind == kind {
			ids = append(ids, id)
		}
	}
	i := 0
	if marker := r.URL.Query().Get("Marker"); marker != "" {
		i = max(0, slices.Index(ids, marker))
	}
	items, next := "", ""
	if i < len(ids) {
		items = fmt.Sprintf("<%sSummary><Type>custom</Type>%s</%[1]sSummary>", kind, b.element(ids[i]))
	}
	if i+1 < len(ids) {
		next = "<NextMarker>" + ids[i+1] + "</NextMarker>"
	}
	return reply(r, 200, "", fmt.Sprintf("<%sList>%s<MaxItems>1</MaxItems><Quantity>1</Quantity><Items>%s</Items></%[1]sList>", kind, next, items))
}

func (b *Beyond) distribution(r *http.Request, id string) (*http.Response, error) {
	body, err := bodyOf(r)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if id != "" {
		t, refused := b.versioned(r, "Distribution", id)
		if refused != nil {
			return refused, nil
		}
		if r.Method == http.MethodDelete {
			var config struct{ Enabled bool }
			if err := xml.Unmarshal([]byte(t.config), &config); err != nil || config.Enabled {
				return refusal(r, 409, "DistributionNotDisabled"), err
			}
			delete(b.things, id)
		}
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || response.StatusCode >= 300 || r.Method == http.MethodDelete {
		return response, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if id == "" {
		id = idElement.FindStringSubmatch(string(text))[1]
		b.things[id] = &thing{kind: "Distribution"}
	}
	t := b.things[id]
	if config := configElement.FindString(body); config != "" {
		t.config = config
		t.version++
		b.changing[id] = true
	}
	answer := configElement.ReplaceAllLiteralString(string(text), t.config)
	if b.changing[id] {
		answer = strings.Replace(answer, "<Status>Deployed</Status>", "<Status>InProgress</Status>", 1)
		b.changing[id] = r.Method != http.MethodGet
	}
	return reply(r, response.StatusCode, t.etag(), answer), nil
}

func bodyOf(r *http.Request) (string, error) {
	if r.Body == nil {
		return "", nil
	}
	text, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(text))
	return string(text), err
}

func reply(r *http.Request, status int, etag, body string) *http.Response {
	h := http.Header{"Content-Type": {"text/xml"}}
	if etag != "" {
		h.Set("ETag", etag)
	}
	return &http.Response{StatusCode: status, Request: r, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func refusal(r *http.Request, status int, code string) *http.Response {
	return reply(r, status, "", "<ErrorResponse><Error><Type>Sender</Type><Code>"+code+"</Code><Message>refused by the test</Message></Error></ErrorResponse>")
}
