package iam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Document is a parsed policy: an identity policy, a resource policy or a role's trust policy. It is immutable, so any
// number of goroutines may evaluate it at once.
type Document struct {
	statements []statement
	size       int // characters without white space, which is what AWS counts against its limits
}

type statement struct {
	sid         string
	deny        bool
	actions     []template // lower-case; nil if the statement names none
	notActions  bool
	resources   []arnPattern
	notResource bool
	principals  *principals // nil in an identity policy
	conditions  []condition

	// As written, for people: the denial log and the checks of a policy's kind.
	actionText, resourceText []string
}

// Version 2008-10-17 is what a policy has that names none. It knows no variables: "${aws:username}" is plain text.
const (
	versionWithVariables = "2012-10-17"
	versionDefault       = "2008-10-17"
)

// ParsePolicy parses the JSON text of a policy of any kind. Element names are case-sensitive, a list may be a single
// value, and Statement may be one object. The error says which statement is wrong and what AWS accepts there.
func ParsePolicy(text string) (*Document, error) {
	var top map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &top); err != nil {
		return nil, errors.New("This policy contains invalid Json")
	}
	version := versionDefault
	for name, raw := range top {
		switch name {
		case "Version":
			if json.Unmarshal(raw, &version) != nil || version != versionWithVariables && version != versionDefault {
				return nil, syntaxError("Version must be %q or %q", versionWithVariables, versionDefault)
			}
		case "Id", "Statement":
		default:
			return nil, syntaxError("a policy has no element %q", name)
		}
	}
	var list []json.RawMessage
	switch raw := bytes.TrimSpace(top["Statement"]); {
	case len(raw) == 0:
		return nil, syntaxError("Statement is missing")
	case raw[0] == '{':
		list = []json.RawMessage{raw}
	case json.Unmarshal(raw, &list) != nil:
		return nil, syntaxError("Statement must be an object or a list of objects")
	}
	d := &Document{size: sizeOf(text)}
	sids := map[string]bool{}
	for i, raw := range list {
		st, err := parseStatement(raw, version == versionWithVariables)
		if err != nil {
			return nil, fmt.Errorf("%w in statement %d", err, i+1)
		}
		if st.sid != "" && sids[st.sid] {
			return nil, errors.New("Statement IDs (SID) in a single policy must be unique.")
		}
		sids[st.sid] = true
		d.statements = append(d.statements, st)
	}
	return d, nil
}

// syntaxError begins with AWS's own text, which stops there, and adds what is wrong.
func syntaxError(format string, args ...any) error {
	return fmt.Errorf("Syntax errors in policy. "+format, args...)
}

func parseStatement(raw json.RawMessage, variables bool) (statement, error) {
	var st statement
	var elements map[string]json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		return st, syntaxError("a statement must be an object")
	}
	var effect string
	var action, resource bool
	for name, raw := range elements {
		var err error
		switch name {
		case "Sid":
			err = json.Unmarshal(raw, &st.sid)
		case "Effect":
			err = json.Unmarshal(raw, &effect)
		case "Action", "NotAction":
			if action {
				return st, syntaxError("Action and NotAction exclude each other")
			}
			action, st.notActions = true, name == "NotAction"
			st.actionText, err = textList(raw)
			for _, a := range st.actionText {
				st.actions = append(st.actions, newTemplate(strings.ToLower(a), true, false))
			}
		case "Resource", "NotResource":
			if resource {
				return st, syntaxError("Resource and NotResource exclude each other")
			}
			resource, st.notResource = true, name == "NotResource"
			st.resourceText, err = textList(raw)
			for _, r := range st.resourceText {
				st.resources = append(st.resources, newARNPattern(r, variables))
			}
		case "Principal", "NotPrincipal":
			if st.principals != nil {
				return st, syntaxError("Principal and NotPrincipal exclude each other")
			}
			st.principals, err = parsePrincipals(raw, name == "NotPrincipal")
		case "Condition":
			st.conditions, err = parseConditions(raw, variables)
		default:
			return st, syntaxError("a statement has no element %q", name)
		}
		if err != nil {
			if strings.HasPrefix(err.Error(), "json:") {
				err = syntaxError("%s must be text or a list of texts", name)
			}
			return st, err
		}
	}
	switch effect {
	case "Allow":
	case "Deny":
		st.deny = true
	default:
		return st, syntaxError(`Effect must be "Allow" or "Deny"`)
	}
	if len(st.actions) == 0 {
		return st, errors.New("Policy statement must contain actions.")
	}
	for _, a := range st.actionText {
		if vendor, name, ok := strings.Cut(a, ":"); a != "*" && (!ok || vendor == "" || name == "") {
			return st, fmt.Errorf("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc., not %q", a)
		}
	}
	return st, nil
}

// textList reads a JSON text or a list of texts.
func textList(raw json.RawMessage) ([]string, error) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	var many []string
	err := json.Unmarshal(raw, &many)
	return many, err
}

func sizeOf(text string) (n int) {
	for _, r := range text {
		if !strings.ContainsRune(" \t\r\n", r) {
			n++
		}
	}
	return n
}

// checkIdentity says what forbids d as a policy of a role or a user.
func (d *Document) checkIdentity() error {
	for _, st := range d.statements {
		switch {
		case st.principals != nil:
			return errors.New("Policy document should not specify a principal.")
		case len(st.resources) == 0:
			return errors.New("Policy statement must contain resources.")
		}
		for _, r := range st.resourceText {
			if r != "*" && !strings.HasPrefix(r, "arn:") {
				return fmt.Errorf("Resource %s must be in ARN format or \"*\".", r)
			}
		}
	}
	return nil
}

// CheckResourcePolicy says what forbids d as the policy of a resource of a service, such as "s3". owns tells which resources
// it may speak of; wildcards stand in them as written.
func (d *Document) CheckResourcePolicy(service string, owns func(resource string) bool) error {
	for _, st := range d.statements {
		switch {
		case st.principals == nil:
			return errors.New("Missing required field Principal")
		case len(st.resources) == 0:
			return errors.New("Missing required field Resource")
		}
		for _, a := range st.actionText {
			if vendor, _, _ := strings.Cut(strings.ToLower(a), ":"); a != "*" && vendor != service {
				return errors.New("Policy has invalid action")
			}
		}
		for _, r := range st.resourceText {
			if !owns(r) {
				return errors.New("Policy has invalid resource")
			}
		}
	}
	return nil
}

// checkTrust says what forbids d as a role's trust policy.
func (d *Document) checkTrust() error {
	for _, st := range d.statements {
		switch {
		case len(st.resourceText) > 0:
			if st.notResource {
				return errors.New("Has prohibited field NotResource")
			}
			return errors.New("Has prohibited field Resource")
		case st.principals == nil:
			return errors.New("Missing required field Principal")
		}
		for _, a := range st.actionText {
			if !strings.HasPrefix(strings.ToLower(a), "sts:") && a != "*" {
				return errors.New("AssumeRole policy may only specify STS AssumeRole actions.")
			}
		}
	}
	return nil
}

// String writes the statement as the denial log shows it.
func (st *statement) String() string {
	var b strings.Builder
	b.WriteString(st.effect().String())
	not := func(is bool) string {
		if is {
			return " everything but "
		}
		return " "
	}
	b.WriteString(not(st.notActions) + strings.Join(st.actionText, ", "))
	if len(st.resourceText) > 0 {
		b.WriteString(" on" + not(st.notResource) + strings.Join(st.resourceText, ", "))
	}
	if len(st.conditions) > 0 {
		b.WriteString(" under conditions")
	}
	if st.sid != "" {
		b.WriteString(" (" + st.sid + ")")
	}
	return b.String()
}

func (st *statement) effect() Effect {
	if st.deny {
		return Denied
	}
	return Allowed
}
