package aws

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
)

// deployments answers for the one part of API Gateway v2 that moto lacks: deployments, and the id of a stage's current one.
type deployments struct {
	mu      sync.Mutex
	made    map[string][]map[string]string // guarded by mu: by API
	current map[string]string              // guarded by mu: by API/stage
}

var (
	deploymentsPath = regexp.MustCompile(`^/v2/apis/([^/]+)/deployments$`)
	stagesPath      = regexp.MustCompile(`^/v2/apis/([^/]+)/stages$`)
	stagePath       = regexp.MustCompile(`^/v2/apis/([^/]+)/stages/([^/]+)$`)
)

func (d *deployments) Do(r *http.Request) (*http.Response, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.made == nil {
		d.made, d.current = map[string][]map[string]string{}, map[string]string{}
	}
	if m := deploymentsPath.FindStringSubmatch(r.URL.Path); m != nil {
		if r.Method == http.MethodGet {
			return answer(r, 200, map[string]any{"items": d.made[m[1]]})
		}
		var in map[string]string
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			return nil, err
		}
		id := fmt.Sprintf("d%d", len(d.made[m[1]]))
		out := map[string]string{"deploymentId": id, "description": in["description"], "deploymentStatus": "DEPLOYED"}
		d.made[m[1]] = append(d.made[m[1]], out)
		d.current[m[1]+"/"+in["stageName"]] = id
		return answer(r, 201, out)
	}
	if m := stagePath.FindStringSubmatch(r.URL.Path); m != nil && r.Method == http.MethodDelete {
		delete(d.current, m[1]+"/"+m[2])
	}
	response, err := http.DefaultClient.Do(r)
	m := stagesPath.FindStringSubmatch(r.URL.Path)
	if err != nil || m == nil || r.Method != http.MethodGet || response.StatusCode != 200 {
		return response, err
	}
	defer response.Body.Close()
	var list struct {
		Items []map[string]any `json:"items"`
	}
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
		return nil, err
	}
	for _, item := range list.Items {
		if id := d.current[fmt.Sprintf("%s/%s", m[1], item["stageName"])]; id != "" {
			item["deploymentId"] = id
		}
	}
	return answer(r, 200, map[string]any{"items": list.Items})
}

func answer(r *http.Request, status int, body any) (*http.Response, error) {
	text, err := json.Marshal(body)
	return &http.Response{StatusCode: status, Request: r, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(string(text)))}, err
}
