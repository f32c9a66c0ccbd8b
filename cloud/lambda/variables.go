package lambda

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// reservedVariables are set by Lambda and refused in a function's configuration.
var reservedVariables = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
	"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
	"AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

// useDualStack tells SDKs to use the names of services that have IPv6 addresses.
const useDualStack = "AWS_USE_DUALSTACK_ENDPOINT"

var variableForm = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)

func checkVariables(vars map[string]string) error {
	var reserved []string
	size := 2
	for _, name := range sortedKeys(vars) {
		if slices.Contains(reservedVariables, name) {
			reserved = append(reserved, name)
		} else if !variableForm.MatchString(name) || strings.ContainsRune(vars[name], 0) {
			return errConstraint(name, "environment.variables", "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]")
		}
		size += len(name) + len(vars[name]) + len(`"":"",`)
	}
	if reserved != nil {
		return errInvalid("Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s",
			strings.Join(reserved, ", "))
	}
	if size > maxVariables {
		return errInvalid("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: %s", mustJSON(vars))
	}
	return nil
}

// variables is the whole environment of a process: nothing of the cloud's own comes through but, where processes are
// not confined, the folders of its PATH, after Lambda's, for bootstraps that are scripts.
func (e *environment) variables(at places) []string {
	c := &e.release.Config
	env := map[string]string{
		"AWS_ACCESS_KEY_ID":               e.credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":           e.credentials.SecretAccessKey,
		"AWS_SESSION_TOKEN":               e.credentials.SessionToken,
		"AWS_REGION":                      e.service.Region,
		"AWS_DEFAULT_REGION":              e.service.Region,
		"AWS_LAMBDA_FUNCTION_NAME":        c.FunctionName,
		"AWS_LAMBDA_FUNCTION_VERSION":     c.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(c.MemorySize),
		"AWS_LAMBDA_LOG_GROUP_NAME":       c.LoggingConfig.LogGroup,
		"AWS_LAMBDA_LOG_STREAM_NAME":      e.log.stream,
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_RUNTIME_API":          at.api,
		"LAMBDA_TASK_ROOT":                at.task,
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"_HANDLER":                        c.Handler,
		"LANG":                            "en_US.UTF-8",
		"TZ":                              ":UTC",
		"PATH":                            "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"LD_LIBRARY_PATH":                 fmt.Sprintf("/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:%s:%s/lib:/opt/lib", at.task, at.task),
		"AWS_XRAY_CONTEXT_MISSING":        "LOG_ERROR",
		"AWS_XRAY_DAEMON_ADDRESS":         "169.254.100.1:2000",
		"_AWS_XRAY_DAEMON_ADDRESS":        "169.254.100.1",
		"_AWS_XRAY_DAEMON_PORT":           "2000",

		// Where AWS has its own endpoints and authorities, this cloud has its address and its authority: SDKs find them
		// here. A process that is not confined has a folder for /tmp besides.
		"TMPDIR":              at.tmp,
		"AWS_ENDPOINT_URL":    e.service.Endpoint,
		"AWS_CA_BUNDLE":       at.ca,
		"SSL_CERT_FILE":       at.bundle,
		"NODE_EXTRA_CA_CERTS": at.ca,
	}
	if at.path != "" {
		env["PATH"] += ":" + at.path
	}
	if l := c.LoggingConfig; l.LogFormat == formatJSON {
		env["AWS_LAMBDA_LOG_FORMAT"], env["AWS_LAMBDA_LOG_LEVEL"] = l.LogFormat, l.ApplicationLogLevel
	}
	if c.Environment != nil {
		for name, value := range c.Environment.Variables {
			env[name] = value
		}
	}
	if env["AWS_ENDPOINT_URL"] == e.service.Endpoint && env[useDualStack] == "true" {
		// SDKs refuse a dual-stack endpoint together with an address. The address stands for it: see [Caller].
		env[useDualStack] = "false"
	}
	list := make([]string, 0, len(env))
	for _, name := range sortedKeys(env) {
		if env[name] != "" || c.Environment != nil && hasKey(c.Environment.Variables, name) {
			list = append(list, name+"="+env[name])
		}
	}
	return list
}

func hasKey(m map[string]string, key string) bool { _, ok := m[key]; return ok }
