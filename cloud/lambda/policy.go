package lambda

import (
	"encoding/json"
	"regexp"
	"sync"

	"quotewire/cloud/iam"
)

// policy is the resource policy of one qualifier.
type policy struct {
	Statements []statement
	RevisionId string

	parse  sync.Once
	parsed *iam.Document
	err    error
}

// statement is one permission, in AWS's order of members.
type statement struct {
	Sid       string
	Effect    string
	Principal json.RawMessage
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

var (
	sidForm       = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,100}$`)
	actionForm    = regexp.MustCompile(`^lambda:[*]$|^lambda:[a-zA-Z]+$|^[*]$`)
	serviceForm   = regexp.MustCompile(`^[a-z0-9.-]+\.amazonaws\.com$`)
	principalForm = regexp.MustCompile(`^arn:aws[a-z-]*:(iam|sts)::\d{12}:.+$`)
)

// text is the policy as GetPolicy shows it.
func (p *policy) text() string {
	return string(mustJSON(struct {
		Version   string
		Id        string
		Statement []statement
	}{"2012-10-17", "default", p.Statements}))
}

// document is the policy in the form that IAM evaluates.
func (p *policy) document() (*iam.Document, error) {
	p.parse.Do(func() { p.parsed, p.err = iam.ParsePolicy(p.text()) })
	return p.parsed, p.err
}

// add adds a statement. The revision may be "".
func (p *policy) add(s statement, revision string) error {
	for _, have := range p.Statements {
		if have.Sid == s.Sid {
			return errConflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", s.Sid)
		}
	}
	if err := checkRevision(revision, p.RevisionId); err != nil {
		return err
	}
	p.Statements = append(p.Statements, s)
	p.RevisionId = newRevision()
	if size := len(p.text()); size > maxPolicy {
		return failure(400, "PolicyLengthExceededException", "The final policy size (%d) is bigger than the limit (%d).", size, maxPolicy)
	}
	return nil
}

// remove removes a statement; p may be nil.
func (p *policy) remove(sid, revision string) error {
	if p == nil || len(p.Statements) == 0 {
		return errNotFound("No policy is associated with the given resource.")
	}
	if err := checkRevision(revision, p.RevisionId); err != nil {
		return err
	}
	for i, s := range p.Statements {
		if s.Sid == sid {
			p.Statements = append(p.Statements[:i], p.Statements[i+1:]...)
			p.RevisionId = newRevision()
			return nil
		}
	}
	return errNotFound("Statement %s is not found in resource policy.", sid)
}

// allows judges a service that wants to invoke t by the resource policy of exactly this qualifier.
func (s *Service) allows(f *function, t target, service, sourceARN string) bool {
	document := s.resourcePolicy(f, t)
	return document != nil && document.Evaluate(iam.Request{
		Service: service, Action: "lambda:InvokeFunction", Resource: s.arn(t),
		Keys: map[string]string{"aws:SourceArn": sourceARN, "aws:SourceAccount": s.Account},
	}) == iam.Allowed
}

// resourcePolicy is the policy of exactly this qualifier; nil if it has none.
func (s *Service) resourcePolicy(f *function, t target) *iam.Document {
	p := f.Policies[t.qualifier]
	if p == nil {
		return nil
	}
	document, err := p.document()
	if err != nil {
		s.Log.Error("lambda: a resource policy cannot be read", "function", t.name, "qualifier", t.qualifier, "error", err)
		return nil
	}
	return document
}

// allowsAnybody reports whether the resource policy of t lets callers do action whom nobody knows.
func (s *Service) allowsAnybody(f *function, t target, action string, keys map[string]string) bool {
	document := s.resourcePolicy(f, t)
	return document != nil && document.Evaluate(iam.Request{Action: action, Resource: s.arn(t), Keys: keys}) == iam.Allowed
}

func (c *call) addPermission(t target) (any, error) {
	var in struct {
		StatementId, Action, Principal, SourceArn, SourceAccount          string
		PrincipalOrgID, EventSourceToken, FunctionUrlAuthType, RevisionId string
		InvokedViaFunctionUrl                                             *bool
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	c.know("lambda:Principal", in.Principal)
	if in.FunctionUrlAuthType != "" {
		c.know("lambda:FunctionUrlAuthType", in.FunctionUrlAuthType)
	}
	if err := c.authorize("AddPermission", c.arn(t)); err != nil {
		return nil, err
	}
	switch {
	case !sidForm.MatchString(in.StatementId):
		return nil, errConstraint(in.StatementId, "statementId", `Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)`)
	case !actionForm.MatchString(in.Action):
		return nil, errConstraint(in.Action, "action", `Member must satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])`)
	case t.qualifier == latest:
		return nil, errInvalid("We currently do not support adding policies for $LATEST.")
	}
	principal, ok := principalElement(in.Principal)
	if !ok {
		return nil, errInvalid("The provided principal was invalid. Please check the principal and try again.")
	}
	s := statement{Sid: in.StatementId, Effect: "Allow", Principal: principal, Action: in.Action, Resource: c.arn(t)}
	condition := func(operator, key, value string) {
		if value == "" {
			return
		}
		if s.Condition == nil {
			s.Condition = map[string]map[string]string{}
		}
		if s.Condition[operator] == nil {
			s.Condition[operator] = map[string]string{}
		}
		s.Condition[operator][key] = value
	}
	condition("ArnLike", "AWS:SourceArn", in.SourceArn)
	condition("StringEquals", "AWS:SourceAccount", in.SourceAccount)
	condition("StringEquals", "aws:PrincipalOrgID", in.PrincipalOrgID)
	condition("StringEquals", "lambda:EventSourceToken", in.EventSourceToken)
	condition("StringEquals", "lambda:FunctionUrlAuthType", in.FunctionUrlAuthType)
	if in.InvokedViaFunctionUrl != nil && *in.InvokedViaFunctionUrl {
		condition("Bool", "lambda:InvokedViaFunctionUrl", "true")
	}
	_, err := c.edit(t, func(f *function) error {
		if f.version(t.qualifier) == nil {
			return errNoFunction(c.arn(t))
		}
		p := f.Policies[t.qualifier]
		if p == nil {
			p = &policy{}
		}
		if err := p.add(s, in.RevisionId); err != nil {
			return err
		}
		if f.Policies == nil {
			f.Policies = map[string]*policy{}
		}
		f.Policies[t.qualifier] = p
		return nil
	})
	if err != nil {
		return nil, err
	}
	return struct{ Statement string }{string(mustJSON(s))}, nil
}

// principalElement writes a principal as the policy has it.
func principalElement(text string) (json.RawMessage, bool) {
	switch {
	case text == "*":
		return json.RawMessage(`"*"`), true
	case accountForm.MatchString(text):
		return mustJSON(map[string]string{"AWS": "arn:aws:iam::" + text + ":root"}), true
	case principalForm.MatchString(text):
		return mustJSON(map[string]string{"AWS": text}), true
	case serviceForm.MatchString(text):
		return mustJSON(map[string]string{"Service": text}), true
	}
	return nil, false
}

func (c *call) getPolicy(t target) (any, error) {
	f, _, err := c.find(t)
	if err != nil {
		return nil, err
	}
	p := f.Policies[t.qualifier]
	if p == nil {
		return nil, errNotFound("The resource you requested does not exist.")
	}
	return struct{ Policy, RevisionId string }{p.text(), p.RevisionId}, nil
}

func (c *call) removePermission(t target) (any, error) {
	_, err := c.edit(t, func(f *function) error {
		p := f.Policies[t.qualifier]
		if err := p.remove(c.label, c.query.Get("RevisionId")); err != nil {
			return err
		}
		if len(p.Statements) == 0 {
			delete(f.Policies, t.qualifier)
		}
		return nil
	})
	return nil, err
}
