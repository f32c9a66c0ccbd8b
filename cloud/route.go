package cloud

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"strings"

	"quotewire/cloud/ec2"
	"quotewire/cloud/iam"
	"quotewire/cloud/lambda"
	"quotewire/cloud/protocol"
)

// maxBody bounds a signed request to a service other than S3, in bytes: the body has to be read before its signature can be
// checked. Lambda's own limit on a request is 70 MB; code above 50 MB goes to S3 in parts.
const maxBody = 128 << 20

// service is one of the AWS services behind the front door.
type service struct {
	protocol protocol.Protocol
	handler  http.Handler
}

// health is the answer of /_quotewire/health. The counts tell a leak: they come back to what they were once the load is gone.
type health struct {
	Status      string `json:"status"`
	Goroutines  int    `json:"goroutines"`
	Connections int    `json:"connections"`
}

// ServeHTTP finds the service that a request is for, verifies who signed it, and hands it on.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if why := unwelcome(r, c.beyond, c.gateway.IsDomain(r.Host)); why != "" {
		refuse(w, why)
		return
	}
	if apiID, path, ok := c.gateway.Resolve(r); ok {
		c.serveAPI(w, r, apiID, path)
		return
	}
	if id, path, ok := c.lambda.ResolveURL(r); ok {
		c.serveURL(w, r, id, path)
		return
	}
	if origin := foreign(r); origin != "" {
		refuse(w, "a page of "+origin+" may not drive this cloud")
		return
	}
	if c.lambda.IsCode(r) {
		c.lambda.ServeCode(w, r)
		return
	}
	if r.URL.Path == "/_quotewire/health" {
		writeJSON(w, http.StatusOK, health{Status: "ok", Goroutines: runtime.NumGoroutine(), Connections: c.gateway.Connections()})
		return
	}
	name := serviceName(r)
	s, ok := c.service(name)
	if !ok {
		refuseService(w, r, name)
		return
	}
	if r = c.verified(w, r, s.protocol, name, dualStackName(r.Host)); r != nil {
		s.handler.ServeHTTP(w, r)
	}
}

// serveAPI hands a request for a deployed API to the gateway. Only calls of the @connections API are signed ones: an
// API's own routes see whatever their clients send.
func (c *Cloud) serveAPI(w http.ResponseWriter, r *http.Request, apiID, path string) {
	if isCallback(path) && signed(r) {
		if origin := foreign(r); origin != "" {
			refuse(w, "a page of "+origin+" may not drive this cloud")
			return
		}
		if caller, ok := c.admit(w, r, protocol.RESTJSON, "execute-api", c.gateway.DualStack(apiID)); ok {
			c.gateway.ServeAPIAs(w, r, caller, apiID, path)
		}
		return
	}
	if from, ok := r.Context().Value(insideKey{}).(lambda.Caller); ok {
		// Only the network tells that a function calls: whoever calls an API's own routes need not sign.
		if !c.letThrough(w, r, from, "execute-api", c.gateway.DualStack(apiID)) {
			return
		}
	}
	c.gateway.ServeAPI(w, r, apiID, path)
}

// serveURL hands a request for the URL of a function to Lambda. Only those that want it are signed.
func (c *Cloud) serveURL(w http.ResponseWriter, r *http.Request, id, path string) {
	if c.lambda.SignedURL(id) && signed(r) {
		if r = c.verified(w, r, protocol.RESTJSON, "lambda-url", false); r == nil {
			return
		}
	}
	c.lambda.ServeURL(w, r, id, path)
}

// verified returns r with its principal, or nil when it has been answered: it was not signed well, or its caller has no
// way to the service.
func (c *Cloud) verified(w http.ResponseWriter, r *http.Request, p protocol.Protocol, name string, dualStack bool) *http.Request {
	principal, ok := c.admit(w, r, p, name, dualStack)
	if !ok {
		return nil
	}
	return r.WithContext(iam.WithPrincipal(r.Context(), principal))
}

// admit returns who has signed r, or false when it has been answered.
func (c *Cloud) admit(w http.ResponseWriter, r *http.Request, p protocol.Protocol, name string, dualStack bool) (iam.Principal, bool) {
	principal, err := c.iam.Admit(r, maxBody, p)
	if err != nil {
		protocol.WriteError(w, p, err)
		return principal, false
	}
	// Where the request comes from counts, and who signed it only where that is not known.
	from, ok := r.Context().Value(insideKey{}).(lambda.Caller)
	if !ok {
		from, _ = c.lambda.Caller(principal.AccessKeyID)
	}
	return principal, c.letThrough(w, r, from, name, dualStack)
}

// letThrough stands for the network between a function and an endpoint of AWS. A function in a VPC reaches only what
// its subnets, route tables and security groups let it reach; a call that has no way out hangs, as it does on AWS,
// until its caller gives up. The cloud's log says which hop is missing: on AWS nothing does.
func (c *Cloud) letThrough(w http.ResponseWriter, r *http.Request, caller lambda.Caller, name string, dualStack bool) bool {
	if caller.VPC == nil {
		return true
	}
	from := ec2.Origin{SubnetIDs: caller.VPC.SubnetIDs, SecurityGroupIDs: caller.VPC.SecurityGroupIDs, IPv6: caller.VPC.IPv6}
	// Functions use this cloud's own address for the endpoints of all services: for the dual-stack ones if they ask so.
	dualStack = dualStack || caller.DualStackNames && name != "execute-api" && !isAWSName(r.Host)
	path := c.ec2.Reach(r.Context(), from, ec2.Destination{Service: name, DualStack: dualStack})
	if path.OK {
		return true
	}
	what := "a function in a VPC has no way to " + name + ": its call hangs until the function times out"
	if path.Forbidden {
		what = "a function in a VPC gets 403 Forbidden from " + name
	}
	c.config.Log.Warn(what, "function", caller.Function, "vpc", caller.VPC.VPCID, "missing", path.Why)
	if path.Forbidden {
		protocol.WriteError(w, protocol.RESTJSON, protocol.Errorf(http.StatusForbidden, "ForbiddenException", "Forbidden"))
		return false
	}
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// dualStackName reports whether the host is one of the names by which AWS's services have IPv6 addresses as well:
// lambda.us-east-1.api.aws, s3.dualstack.us-east-1.amazonaws.com. Their ordinary names have none.
func dualStackName(host string) bool {
	return isAWSName(host) && (strings.Contains(strings.ToLower(host), ".api.aws") || strings.Contains(strings.ToLower(host), ".dualstack."))
}

// isAWSName reports whether the host is a name of AWS's, and not this cloud's own.
func isAWSName(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(host)
	return strings.HasSuffix(host, ".api.aws") || strings.HasSuffix(host, ".amazonaws.com")
}

func (c *Cloud) service(name string) (service, bool) {
	switch name {
	case "iam", "sts":
		return service{protocol.Query, c.iam}, true
	case "s3":
		return service{protocol.RESTXML, c.s3}, true
	case "ec2":
		return service{protocol.EC2Query, c.ec2}, true
	case "logs":
		return service{protocol.JSON11, c.logs}, true
	case "dynamodb":
		return service{protocol.JSON10, c.dynamodb}, true
	case "lambda":
		return service{protocol.RESTJSON, c.lambda}, true
	case "apigateway":
		return service{protocol.RESTJSON, c.gateway}, true
	case "execute-api":
		return service{protocol.RESTJSON, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			protocol.WriteError(w, protocol.RESTJSON, protocol.Errorf(http.StatusForbidden, "ForbiddenException", "Forbidden"))
		})}, true
	}
	return service{}, false
}

// lambdaPath is how the paths of Lambda's API begin: with the day on which AWS introduced the operation.
var lambdaPath = regexp.MustCompile(`^/20\d\d-\d\d-\d\d/(functions|layers|tags|account-settings|event-source-mappings|code-signing-configs)(/|$)`)

// serviceName tells which service a request is for. All services share one port, so the host says little; the scope of
// the signature names the service outright. An unsigned request is told apart by its form, so that the refusal comes in
// the shape that its client understands.
func serviceName(r *http.Request) string {
	if scope := credentialScope(r); scope != "" {
		if parts := strings.Split(scope, "/"); len(parts) == 5 {
			return parts[3]
		}
	}
	host, path := r.Host, r.URL.Path
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if strings.HasSuffix(host, ".amazonaws.com") {
		name, _, _ := strings.Cut(host, ".")
		switch name {
		case "iam", "sts", "ec2", "logs", "dynamodb", "lambda", "apigateway":
			return name
		}
		return "s3"
	}
	switch target := r.Header.Get("X-Amz-Target"); {
	case strings.HasPrefix(target, "DynamoDB_"):
		return "dynamodb"
	case strings.HasPrefix(target, "Logs_"):
		return "logs"
	}
	switch {
	case strings.HasPrefix(path, "/v2/apis"), strings.HasPrefix(path, "/v2/tags"):
		return "apigateway"
	case lambdaPath.MatchString(path):
		return "lambda"
	case r.Method == http.MethodPost && path == "/" && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		return formService(r)
	}
	return "s3"
}

// formService tells the services with a query API apart by the version of the API that an unsigned form names. What it
// reads of the form is as much as forms have and stays to be read.
func formService(r *http.Request) string {
	const most = 64 << 10
	body, _ := io.ReadAll(io.LimitReader(r.Body, most))
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), r.Body))
	form, _ := url.ParseQuery(string(body))
	switch form.Get("Version") {
	case "2016-11-15":
		return "ec2"
	case "2011-06-15":
		return "sts"
	}
	return "iam"
}

// credentialScope is the AKID/date/region/service/aws4_request of a signature, in the header or in the query.
func credentialScope(r *http.Request) string {
	if auth := protocol.Header(r, "Authorization"); auth != "" {
		_, rest, ok := strings.Cut(auth, "Credential=")
		if !ok {
			return ""
		}
		rest, _, _ = strings.Cut(rest, ",")
		rest, _, _ = strings.Cut(rest, " ")
		return rest
	}
	if strings.Contains(r.URL.RawQuery, "X-Amz-Credential=") {
		return r.URL.Query().Get("X-Amz-Credential")
	}
	return ""
}

func signed(r *http.Request) bool { return credentialScope(r) != "" }

// isCallback reports whether the escaped path is one of the @connections API, /{stage}/@connections/{id}, or of our own
// beside it, /{stage}/@topics/{id}.
func isCallback(path string) bool {
	rest, ok := strings.CutPrefix(path, "/")
	_, rest, _ = strings.Cut(rest, "/")
	name, _, below := strings.Cut(rest, "/")
	switch name {
	case "@connections", "%40connections", "@topics", "%40topics":
		return ok && below
	}
	return false
}

// waits reports whether a request may hang, as its caller's network may have no way to what it is for.
func (c *Cloud) waits(r *http.Request) bool {
	if strings.Count(protocol.Header(r, "Authorization"), "Credential=") > 1 {
		return true // whose network that is depends on which one counts
	}
	key, _, _ := strings.Cut(credentialScope(r), "/")
	caller, ok := c.lambda.Caller(key)
	return ok && caller.VPC != nil
}
