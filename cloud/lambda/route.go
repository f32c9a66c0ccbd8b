package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"quotewire/cloud/iam"
	"quotewire/cloud/protocol"
)

// operation is one operation of the API. A path label "*" is a percent-encoded segment. The first label of an operation
// with run names a function.
type operation struct {
	method, path string
	name         string // as IAM calls it
	status       int
	run          func(c *call, t target) (any, error)
	runLabels    func(c *call, labels []string) (any, error) // in run's place, for what concerns no function
}

var operations []operation

// The table refers to functions that refer to the table's type; init breaks the cycle.
func init() {
	const functions, layers = "/2015-03-31/functions", "/2018-10-31/layers"
	operations = []operation{
		{"POST", functions, "CreateFunction", 201, (*call).createFunction, nil},
		{"GET", functions, "ListFunctions", 200, (*call).listFunctions, nil},
		{"GET", functions + "/*", "GetFunction", 200, (*call).getFunction, nil},
		{"DELETE", functions + "/*", "DeleteFunction", 204, (*call).deleteFunction, nil},
		{"GET", functions + "/*/configuration", "GetFunctionConfiguration", 200, (*call).getFunctionConfiguration, nil},
		{"PUT", functions + "/*/configuration", "UpdateFunctionConfiguration", 200, (*call).updateFunctionConfiguration, nil},
		{"PUT", functions + "/*/code", "UpdateFunctionCode", 200, (*call).updateFunctionCode, nil},
		{"POST", functions + "/*/versions", "PublishVersion", 201, (*call).publishVersion, nil},
		{"GET", functions + "/*/versions", "ListVersionsByFunction", 200, (*call).listVersions, nil},
		{"POST", functions + "/*/aliases", "CreateAlias", 201, (*call).createAlias, nil},
		{"GET", functions + "/*/aliases", "ListAliases", 200, (*call).listAliases, nil},
		{"GET", functions + "/*/aliases/*", "GetAlias", 200, (*call).getAlias, nil},
		{"PUT", functions + "/*/aliases/*", "UpdateAlias", 200, (*call).updateAlias, nil},
		{"DELETE", functions + "/*/aliases/*", "DeleteAlias", 204, (*call).deleteAlias, nil},
		{"POST", functions + "/*/policy", "AddPermission", 201, (*call).addPermission, nil},
		{"GET", functions + "/*/policy", "GetPolicy", 200, (*call).getPolicy, nil},
		{"DELETE", functions + "/*/policy/*", "RemovePermission", 204, (*call).removePermission, nil},
		{"POST", functions + "/*/invocations", "InvokeFunction", 200, (*call).invoke, nil},
		{"POST", "/2021-11-15/functions/*/response-streaming-invocations", "InvokeFunction", 200, (*call).invokeStream, nil},
		{"POST", "/2021-10-31/functions/*/url", "CreateFunctionUrlConfig", 201, (*call).createFunctionURL, nil},
		{"GET", "/2021-10-31/functions/*/url", "GetFunctionUrlConfig", 200, (*call).getFunctionURL, nil},
		{"PUT", "/2021-10-31/functions/*/url", "UpdateFunctionUrlConfig", 200, (*call).updateFunctionURL, nil},
		{"DELETE", "/2021-10-31/functions/*/url", "DeleteFunctionUrlConfig", 204, (*call).deleteFunctionURL, nil},
		{"GET", "/2021-10-31/functions/*/urls", "ListFunctionUrlConfigs", 200, (*call).listFunctionURLs, nil},
		{"PUT", "/2017-10-31/functions/*/concurrency", "PutFunctionConcurrency", 200, (*call).putConcurrency, nil},
		{"DELETE", "/2017-10-31/functions/*/concurrency", "DeleteFunctionConcurrency", 204, (*call).deleteConcurrency, nil},
		{"GET", "/2019-09-30/functions/*/concurrency", "GetFunctionConcurrency", 200, (*call).getConcurrency, nil},
		{"PUT", "/2019-09-25/functions/*/event-invoke-config", "PutFunctionEventInvokeConfig", 200, (*call).putEventInvokeConfig, nil},
		{"POST", "/2019-09-25/functions/*/event-invoke-config", "UpdateFunctionEventInvokeConfig", 200, (*call).updateEventInvokeConfig, nil},
		{"DELETE", "/2019-09-25/functions/*/event-invoke-config", "DeleteFunctionEventInvokeConfig", 204, (*call).deleteEventInvokeConfig, nil},
		{"GET", "/2019-09-25/functions/*/event-invoke-config/list", "ListFunctionEventInvokeConfigs", 200, (*call).listEventInvokeConfigs, nil},
		{"GET", "/2019-09-25/functions/*/event-invoke-config", "GetFunctionEventInvokeConfig", 200, (*call).getEventInvokeConfig, nil},
		{"POST", "/2017-03-31/tags/*", "TagResource", 204, (*call).tagResource, nil},
		{"DELETE", "/2017-03-31/tags/*", "UntagResource", 204, (*call).untagResource, nil},
		{"GET", "/2017-03-31/tags/*", "ListTags", 200, (*call).listTags, nil},
		{"GET", "/2016-08-19/account-settings", "GetAccountSettings", 200, (*call).getAccountSettings, nil},
		{"PUT", "/2021-07-20/functions/*/runtime-management-config", "PutRuntimeManagementConfig", 200, (*call).putRuntimeManagement, nil},
		{"GET", "/2021-07-20/functions/*/runtime-management-config", "GetRuntimeManagementConfig", 200, (*call).getRuntimeManagement, nil},
		{"PUT", "/2024-08-31/functions/*/recursion-config", "PutFunctionRecursionConfig", 200, (*call).putRecursion, nil},
		{"GET", "/2024-08-31/functions/*/recursion-config", "GetFunctionRecursionConfig", 200, (*call).getRecursion, nil},
		{"GET", "/2020-06-30/functions/*/code-signing-config", "GetFunctionCodeSigningConfig", 200, (*call).getCodeSigning, nil},
		{"GET", "/2019-09-30/functions/*/provisioned-concurrency", "GetProvisionedConcurrencyConfig", 200, (*call).getProvisioned, nil},
		{"GET", "/2015-03-31/event-source-mappings", "ListEventSourceMappings", 200, nil, (*call).listSources},
		{"POST", layers + "/*/versions", "PublishLayerVersion", 201, nil, (*call).publishLayerVersion},
		{"GET", layers, "ListLayers", 200, nil, (*call).listLayers},
		{"GET", layers + "/*/versions", "ListLayerVersions", 200, nil, (*call).listLayerVersions},
		{"GET", layers + "/*/versions/*", "GetLayerVersion", 200, nil, (*call).getLayerVersion},
		{"DELETE", layers + "/*/versions/*", "DeleteLayerVersion", 204, nil, (*call).deleteLayerVersion},
		{"POST", layers + "/*/versions/*/policy", "AddLayerVersionPermission", 201, nil, (*call).addLayerPermission},
		{"GET", layers + "/*/versions/*/policy", "GetLayerVersionPolicy", 200, nil, (*call).getLayerPolicy},
		{"DELETE", layers + "/*/versions/*/policy/*", "RemoveLayerVersionPermission", 204, nil, (*call).removeLayerPermission},
	}
}

// route finds the operation of a request and decodes the labels of its path.
func route(method, path string) (*operation, []string) { return find(operations, method, path) }

func find(operations []operation, method, path string) (*operation, []string) {
	segments := strings.Split(strings.TrimSuffix(path, "/"), "/")
	for i := range operations {
		op := &operations[i]
		if op.method != method {
			continue
		}
		if labels, ok := match(op.path, segments); ok {
			return op, labels
		}
	}
	return nil, nil
}

func match(pattern string, segments []string) (labels []string, ok bool) {
	for part := range strings.SplitSeq(pattern, "/") {
		if len(segments) == 0 {
			return nil, false
		}
		switch {
		case part == "*":
			label, err := url.PathUnescape(segments[0])
			if err != nil || label == "" {
				return nil, false
			}
			labels = append(labels, label)
		case part != segments[0]:
			return nil, false
		}
		segments = segments[1:]
	}
	return labels, len(segments) == 0
}

// call is one request to the API while it is answered.
type call struct {
	*Service
	ctx       context.Context
	w         http.ResponseWriter
	r         *http.Request
	query     url.Values
	operation string
	label     string            // the second label of the path
	keys      map[string]string // condition keys
	policy    *iam.Document     // that of the function, if it has one
}

// do authorizes the request and runs it. The operations that need more than their own permission ask for it themselves.
func (c *call) do(op *operation, labels []string) (any, error) {
	if op.runLabels != nil {
		return op.runLabels(c, labels)
	}
	var t target
	resource := "*"
	if len(labels) > 0 {
		name := labels[0]
		if strings.HasPrefix(op.path, "/2017-03-31/tags/") && !strings.HasPrefix(name, "arn:") {
			return nil, errInvalid("The resource ARN %q is not the ARN of a function.", name)
		}
		var err error
		if t, err = c.parse(name, c.query.Get("Qualifier")); err != nil {
			return nil, err
		}
		resource = c.arn(t)
	}
	if len(labels) > 1 {
		c.label = labels[1]
	}
	if f := c.catalog.get(t.name); f != nil {
		for key, value := range f.Tags {
			c.know("aws:ResourceTag/"+key, value)
		}
		c.policy = c.resourcePolicy(f, t)
	}
	if !looksFurther[op.name] {
		if err := c.authorize(op.name, resource); err != nil {
			return nil, err
		}
	}
	return op.run(c, t)
}

// looksFurther are the operations whose permission depends on more than the path. They ask for it themselves.
var looksFurther = map[string]bool{
	"CreateFunction": true, "UpdateFunctionConfiguration": true, "InvokeFunction": true,
	"CreateFunctionUrlConfig": true, "UpdateFunctionUrlConfig": true, "AddPermission": true, "TagResource": true,
}

// know adds a condition key to what policies are asked about. A key of several values has them all.
func (c *call) know(key string, values ...string) {
	if len(values) == 0 {
		return
	}
	if c.keys == nil {
		c.keys = map[string]string{}
	}
	c.keys[key] = strings.Join(values, "\n")
}

func (c *call) authorize(action, resource string) error {
	return c.IAM.AuthorizeResource(c.ctx, protocol.RESTJSON, "lambda:"+action, resource, c.keys, c.policy)
}

// decode reads the request's JSON into v. A member that v does not have is refused: it would be ignored, and the
// function would not be what its author asked for.
func (c *call) decode(v any) error {
	body, err := protocol.ReadBody(c.r, maxRequest)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return protocol.Errorf(http.StatusBadRequest, "SerializationException", "the request is no JSON object: %v", err)
	}
	for name, value := range members {
		if !hasMember(v, name) && !empty(value) {
			return errMissing(c.operation, name)
		}
	}
	if err := json.Unmarshal(body, v); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return protocol.Errorf(http.StatusBadRequest, "SerializationException", "%s must be of the type %s, not %s", wrong.Field, wrong.Type, wrong.Value)
		}
		return protocol.Errorf(http.StatusBadRequest, "SerializationException", "%v", err)
	}
	return nil
}

func hasMember(v any, name string) bool {
	_, ok := reflect.TypeOf(v).Elem().FieldByName(name)
	return ok
}

// empty reports whether a member says nothing: null, "", false, 0, an empty list or an object of such members.
func empty(value json.RawMessage) bool {
	switch string(value) {
	case "null", `""`, "false", "0", "[]", "{}":
		return true
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(value, &object) != nil {
		return false
	}
	for _, member := range object {
		if !empty(member) {
			return false
		}
	}
	return true
}

func (c *call) write(status int, answer any) {
	if answer == nil && status != http.StatusNoContent {
		return // the operation has written its answer itself
	}
	h := c.w.Header()
	h.Set("x-amzn-RequestId", protocol.RequestID())
	if answer == nil {
		c.w.WriteHeader(status)
		return
	}
	h.Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	c.w.Write(mustJSON(answer))
}

// page cuts the part of a sorted list that Marker and MaxItems ask for. The marker is the number of items before it:
// a list that changes between two pages may show an item twice or skip one, as on AWS.
func page[T any](query url.Values, items []T) (part []T, next string, err error) {
	size, start := defaultPage, 0
	if text := query.Get("MaxItems"); text != "" {
		if size, err = strconv.Atoi(text); err != nil || size < 1 || size > 10000 {
			return nil, "", errConstraint(text, "maxItems", "Member must have value between 1 and 10000")
		}
		size = min(size, defaultPage)
	}
	if text := query.Get("Marker"); text != "" {
		if start, err = strconv.Atoi(text); err != nil || start < 0 {
			return nil, "", errInvalid("The marker %q is not one that this API gave.", text)
		}
	}
	start = min(start, len(items))
	end := min(start+size, len(items))
	if end < len(items) {
		next = strconv.Itoa(end)
	}
	return append([]T{}, items[start:end]...), next, nil
}

// mustJSON encodes one of this package's own answers, without the escapes that HTML would need.
func mustJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// discard reads what is left of a body, up to the limit, so that the connection can serve the next request.
func discard(r io.Reader, limit int64) { io.CopyN(io.Discard, r, limit) }
