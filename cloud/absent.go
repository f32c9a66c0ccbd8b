package cloud

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"quotewire/cloud/protocol"
)

// maxAbsent bounds how much of a request is read to find out which operation it asks for.
const maxAbsent = 1 << 20

// refuseService answers for a service that this cloud does not have, in the protocol that its client speaks. Deployers
// ask CloudFormation, SSM and others before anything else; their authors should read what is missing, and not that an
// answer cannot be parsed.
func refuseService(w http.ResponseWriter, r *http.Request, name string) {
	p, operation := spoken(r, name)
	e := protocol.UnknownOperation(p, name, operation)
	e.Message = "the embedded cloud does not have the service " + name + ": it was asked for " + operation
	protocol.WriteError(w, p, e)
}

// spoken tells by a request's form the protocol of a service of which nothing else is known, and the operation.
func spoken(r *http.Request, name string) (p protocol.Protocol, operation string) {
	if _, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		if strings.HasSuffix(r.Header.Get("Content-Type"), "json-1.0") {
			return protocol.JSON10, operation
		}
		return protocol.JSON11, operation
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		body, err := protocol.ReadBody(r, maxAbsent)
		form, _ := url.ParseQuery(string(body))
		if action := form.Get("Action"); err == nil && action != "" {
			return protocol.Query, action
		}
	}
	operation = r.Method + " " + r.URL.Path
	if name == "cloudfront" || name == "route53" {
		return protocol.Query, operation // their errors are XML like those of the Query services, and unlike those of S3
	}
	if slices.Contains([]string{"s3-outposts", "s3express"}, name) {
		return protocol.RESTXML, operation
	}
	return protocol.RESTJSON, operation
}
