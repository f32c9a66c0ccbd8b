// Package ec2 answers the parts of Amazon EC2 that describe and make a virtual network: VPCs, subnets, route tables,
// gateways, security groups and VPC endpoints, over EC2's query protocol.
//
// No packet goes through these networks. They are there to be found by a deployer, and to say where traffic would go:
// [Service.Placement] tells Lambda which VPC a function sits in, and [Service.Reach] whether a call from there would
// arrive at an AWS service, and if not, which hop is missing. The package knows no functions and no APIs.
package ec2

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"

	"quotewire/cloud/iam"
	"quotewire/cloud/protocol"
	"quotewire/cloud/state"
)

// Config is what a [Service] needs.
type Config struct {
	State   *state.Store
	IAM     iam.Authorizer
	Account string
	Region  string
	Log     *slog.Logger
	// Attachments are the places of all functions in VPCs: their interfaces can be described, and hold subnets and
	// security groups in place. It may be nil.
	Attachments func() []Attachment
}

// Service is EC2. It is safe for concurrent use and owns no goroutine.
type Service struct {
	Config
	records *state.Bucket

	writing sync.Mutex // held from reading the network to publishing its successor; readers do not take it
	network atomic.Pointer[network]
}

// New opens the networks that an earlier run left in c.State. At the first start there is the default VPC, as in a new
// AWS account.
func New(ctx context.Context, c Config) (*Service, error) {
	s := &Service{Config: c}
	var err error
	if s.records, err = c.State.Bucket(ctx, "ec2"); err != nil {
		return nil, fmt.Errorf("ec2: %w", err)
	}
	if err := s.load(ctx); err != nil {
		return nil, fmt.Errorf("ec2: %w", err)
	}
	return s, nil
}

// call is one call of the API.
type call struct {
	ctx    context.Context
	action string
	form   url.Values
}

// member is one element of an answer, beside requestId.
type member struct {
	name  string
	value any
}

// done is the answer of operations that have nothing to say.
var done = []member{{"return", true}}

// ServeHTTP answers one call of EC2's API.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, action, err := s.serve(r)
	if err == nil {
		err = write(w, action, answer)
	}
	if err != nil {
		if _, ok := err.(*protocol.Error); !ok && r.Context().Err() == nil {
			s.Log.Error("ec2: request failed", "action", action, "err", err)
		}
		protocol.WriteError(w, protocol.EC2Query, err)
	}
}

func (s *Service) serve(r *http.Request) (answer []member, action string, err error) {
	body, err := protocol.ReadBody(r, maxRequest)
	if err != nil {
		return nil, "", err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, "", protocol.Errorf(http.StatusBadRequest, "MalformedQueryString", "The query string contains a syntax error")
	}
	for name, values := range r.URL.Query() {
		form[name] = append(form[name], values...)
	}
	c := &call{r.Context(), form.Get("Action"), form}
	op, ok := operations[c.action]
	if !ok {
		return nil, c.action, protocol.UnknownOperation(protocol.EC2Query, "ec2", c.action)
	}
	if err := s.authorize(c, op); err != nil {
		return nil, c.action, err
	}
	if err := c.check(op.params); err != nil {
		return nil, c.action, err
	}
	if c.bool("DryRun") {
		return nil, c.action, protocol.Errorf(http.StatusPreconditionFailed, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	}
	answer, err = op.do(s, c)
	return answer, c.action, err
}

// arn is that of a resource of this account.
func (s *Service) arn(kind, id string) string {
	return "arn:aws:ec2:" + s.Region + ":" + s.Account + ":" + kind + "/" + id
}
