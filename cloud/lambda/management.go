package lambda

import (
	"net/http"

	"quotewire/cloud/protocol"
)

// What a person may say about a function that changes nothing here: when its runtime is updated, for there is one
// version of each, and whether recursive loops are ended, which are not looked for.

type runtimeManagement struct {
	UpdateRuntimeOn   string
	RuntimeVersionArn string `json:",omitempty"`
}

func (c *call) putRuntimeManagement(t target) (any, error) {
	var in runtimeManagement
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	switch in.UpdateRuntimeOn {
	case "Auto", "FunctionUpdate":
		if in.RuntimeVersionArn != "" {
			return nil, errInvalid("RuntimeVersionArn needs UpdateRuntimeOn Manual.")
		}
	case "Manual":
		if in.RuntimeVersionArn == "" {
			return nil, errInvalid("You must specify a runtime version when UpdateRuntimeOn is Manual.")
		}
	default:
		return nil, errConstraint(in.UpdateRuntimeOn, "updateRuntimeOn", "Member must satisfy enum value set: [Auto, FunctionUpdate, Manual]")
	}
	_, err := c.edit(t, func(f *function) error {
		r := f.version(t.qualifier)
		if r == nil {
			return errNoFunction(c.arn(t))
		}
		if arn := in.RuntimeVersionArn; arn != "" && arn != r.Config.RuntimeVersionConfig.RuntimeVersionArn {
			return errInvalid("RuntimeVersionArn: the embedded cloud has one version of %s, %s.", r.Config.Runtime, r.Config.RuntimeVersionConfig.RuntimeVersionArn)
		}
		r.Management = &in
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.getRuntimeManagement(t)
}

func (c *call) getRuntimeManagement(t target) (any, error) {
	_, r, err := c.find(t)
	if err != nil {
		return nil, err
	}
	m := runtimeManagement{UpdateRuntimeOn: "Auto"}
	if r.Management != nil {
		m = *r.Management
	}
	return struct {
		FunctionArn string
		runtimeManagement
	}{c.arn(target{t.name, r.Config.Version}), m}, nil
}

type recursion struct{ RecursiveLoop string }

func (c *call) putRecursion(t target) (any, error) {
	var in recursion
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.RecursiveLoop != "Allow" && in.RecursiveLoop != "Terminate" {
		return nil, errConstraint(in.RecursiveLoop, "recursiveLoop", "Member must satisfy enum value set: [Allow, Terminate]")
	}
	_, err := c.edit(t, func(f *function) error {
		f.RecursiveLoop = in.RecursiveLoop
		return nil
	})
	return in, err
}

func (c *call) getRecursion(t target) (any, error) {
	f := c.catalog.get(t.name)
	if f == nil {
		return nil, errNoFunction(c.arn(t))
	}
	if f.RecursiveLoop == "" {
		return recursion{"Terminate"}, nil
	}
	return recursion{f.RecursiveLoop}, nil
}

// Tools ask for what can only be set with operations that are not here. The answers are those of AWS for a function
// that has none of it.

func (c *call) getCodeSigning(t target) (any, error) {
	if _, _, err := c.find(t); err != nil {
		return nil, err
	}
	return struct{ FunctionName, CodeSigningConfigArn string }{t.name, ""}, nil
}

func (c *call) getProvisioned(t target) (any, error) {
	if _, _, err := c.find(t); err != nil {
		return nil, err
	}
	if c.query.Get("List") == "ALL" {
		return struct{ ProvisionedConcurrencyConfigs []struct{} }{[]struct{}{}}, nil
	}
	return nil, failure(http.StatusNotFound, "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function")
}

func (c *call) listSources([]string) (any, error) {
	if err := c.authorize("ListEventSourceMappings", "*"); err != nil {
		return nil, err
	}
	return struct{ EventSourceMappings []struct{} }{[]struct{}{}}, nil
}

// absent are the operations of AWS that this cloud does not have, so that a refusal can name them.
var absent = []operation{
	{method: "PUT", path: "/2019-09-30/functions/*/provisioned-concurrency", name: "PutProvisionedConcurrencyConfig"},
	{method: "DELETE", path: "/2019-09-30/functions/*/provisioned-concurrency", name: "DeleteProvisionedConcurrencyConfig"},
	{method: "POST", path: "/2015-03-31/event-source-mappings", name: "CreateEventSourceMapping"},
	{method: "GET", path: "/2015-03-31/event-source-mappings/*", name: "GetEventSourceMapping"},
	{method: "PUT", path: "/2015-03-31/event-source-mappings/*", name: "UpdateEventSourceMapping"},
	{method: "DELETE", path: "/2015-03-31/event-source-mappings/*", name: "DeleteEventSourceMapping"},
	{method: "POST", path: "/2020-04-22/code-signing-configs", name: "CreateCodeSigningConfig"},
	{method: "GET", path: "/2020-04-22/code-signing-configs", name: "ListCodeSigningConfigs"},
	{method: "PUT", path: "/2020-06-30/functions/*/code-signing-config", name: "PutFunctionCodeSigningConfig"},
	{method: "DELETE", path: "/2020-06-30/functions/*/code-signing-config", name: "DeleteFunctionCodeSigningConfig"},
	{method: "POST", path: "/2014-11-13/functions/*/invoke-async", name: "InvokeAsync"},
	{method: "PUT", path: "/2025-11-30/functions/*/function-scaling-config", name: "PutFunctionScalingConfig"},
	{method: "GET", path: "/2025-11-30/functions/*/function-scaling-config", name: "GetFunctionScalingConfig"},
}

// errAbsent refuses an operation that is not there by its name or, if AWS has none for it either, by its path.
func errAbsent(method, path string) *protocol.Error {
	name := method + " " + path
	if op, _ := find(absent, method, path); op != nil {
		name = op.name
	}
	return protocol.UnknownOperation(protocol.RESTJSON, "lambda", name)
}
