package advice

import (
	"fmt"
	"strings"

	"quotewire/dply/check"
)

// function advises about one function: its way out, its permissions, its alias. Socket is a WebSocket API of its target
// that has no IPv6 address, or nil.
func (a *adviser) function(s, socket *check.Statement) {
	if p := a.powersOfFunction(s); p != nil {
		a.wayOut(s, p, socket)
		a.missing(s, p)
	}
	if s.Prop("Alias") != nil && s.Prop("PublishVersion") != nil && !truth(s.Prop("PublishVersion")) && !has(a.moved, s.Name, text(s.Prop("Alias"))) {
		a.warn(propPos(s, "PublishVersion"), "W14", "Take the line away: a function with an Alias then publishes a version and moves the alias whenever something has changed.",
			"nobody moves the alias %s: without a new version it keeps the old code", text(s.Prop("Alias")))
	}
}

// missing looks for what the function needs and its role does not allow.
func (a *adviser) missing(s *check.Statement, p *powers) {
	at := propPos(s, "Role")
	if !p.trusted {
		a.warn(at, "W11", "Write under assume: allow \"sts:AssumeRole\", and below that: principal \"Service\" \"lambda.amazonaws.com\"",
			"Lambda may not take the role of %s, and will refuse to make the function", s.Name)
		return
	}
	lacks := func(actions []string) (missing []string) {
		for _, action := range actions {
			if !p.allows(action) {
				missing = append(missing, action)
			}
		}
		return missing
	}
	var needs, why []string
	if s.Prop("VpcConfig") != nil {
		if m := lacks(interfaces); m != nil {
			needs, why = append(needs, m...), append(why, "to be in a VPC, which Lambda else refuses")
		}
	}
	if m := lacks(logging[1:]); m != nil {
		needs, why = append(needs, m...), append(why, "to write its log, which else is lost")
	}
	if needs != nil {
		a.warn(at, "W11", "Add to the role's policy: allow \""+strings.Join(needs, "\" \"*\", allow \"")+"\" \"*\"",
			"the role of %s does not allow %s, which it needs %s", s.Name, list(needs), list(why))
	}
	a.tables(s, p)
}

// tables looks for tables that the function is told of, in its environment, and may not touch.
func (a *adviser) tables(s *check.Statement, p *powers) {
	env, _ := s.Prop("Environment").(check.Map)
	for _, e := range env.Entries {
		ref, ok := e.Value.(check.Reference)
		if !ok || ref.Statement.Type == nil || ref.Statement.Type.Name != "aws.DynamoDB.Table" || ref.Statement.Verb != "ensure" {
			continue
		}
		table := ref.Statement
		allowed := p.reaches(table.Name)
		if !allowed {
			a.warn(e.Pos, "W11", fmt.Sprintf("Add to the role's policy, for example: allow \"dynamodb:GetItem\" (%s->arn)", orWord(table.Bind, "table")),
				"%s is told of the table %s, and its role allows nothing on it", s.Name, table.Name)
		}
	}
}

func orWord(word, other string) string {
	if word == "" {
		return other
	}
	return word
}

// unusable looks for permissions of a target's roles that can never be used.
func (a *adviser) unusable(t *check.Target) {
	seen := map[*powers]bool{}
	for _, s := range t.Statements {
		p := (*powers)(nil)
		if isFunction(s) {
			p = a.powersOfFunction(s)
		}
		if p == nil || seen[p] {
			continue
		}
		seen[p] = true
		inNetwork := false
		for _, user := range p.users {
			inNetwork = inNetwork || user.Prop("VpcConfig") != nil
		}
		for _, st := range p.statements {
			if st.Effect != "Allow" {
				continue
			}
			if !inNetwork && onlyInterfaces(st) {
				a.warn(st.Pos, "W12", "Take the statement away, or place the function in the network with VpcConfig.",
					"a function outside a VPC has no network interfaces: this allows nothing that %s does", s.Name)
			}
			if !anyAction(st, func(pattern string) bool { return !matches(pattern, "execute-api:ManageConnections") }) {
				a.connections(st)
			}
		}
	}
}

// onlyInterfaces reports whether all that a statement allows is to handle network interfaces.
func onlyInterfaces(s check.PolicyStatement) bool {
	return len(s.Actions) > 0 && !anyAction(s, func(pattern string) bool {
		for _, action := range interfaces {
			if strings.EqualFold(pattern, action) {
				return false
			}
		}
		return true
	})
}

// connections looks whether the resources of a right to post can be those of an API: arn:…:API/STAGE/METHOD/@connections/ID.
func (a *adviser) connections(s check.PolicyStatement) {
	for _, v := range s.Resources {
		resource, ok := v.(check.String)
		fields := strings.SplitN(resource.Text, ":", 6)
		if !ok || len(fields) < 6 {
			continue
		}
		parts := strings.SplitN(fields[5], "/", 5)
		const form = `Write: "arn:aws:execute-api:*:*:*/STAGE/POST/@connections/*"`
		switch {
		case len(parts) == 4 && parts[2] == "@connections" && plain(parts[1]):
			a.warn(s.Pos, "W12", form, "the resource lacks the method: it is API, stage, method, @connections and the connection")
		case len(parts) < 4 || !plain(parts[1]) && !plain(parts[2]):
		case plain(parts[2]) && parts[2] != "POST" && parts[2] != "GET" && parts[2] != "DELETE":
			a.warn(s.Pos, "W12", form, "connections are posted to, looked at with GET and closed with DELETE; nothing is done with %s", parts[2])
		case plain(parts[1]) && a.sockets && !a.stages[parts[1]]:
			a.warn(s.Pos, "W12", form, "no WebSocket API of the script has a stage %s: this allows no post to one", parts[1])
		}
	}
}

// plain reports whether a part of an ARN matches itself only.
func plain(part string) bool { return !strings.ContainsAny(part, "*?$") }
