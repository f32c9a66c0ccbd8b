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

// waysOut is what can be done about a function that cannot post. The costs are those of us-east-1.
const waysOut = `Ways out, with what they cost while idle:
  1. IPv6, 0 $: EgressOnlyInternetGateway <- true on the network, DualStack <- true in VpcConfig, IpAddressType <- "dualstack" on the API.
  2. No VPC, 0 $: leave VpcConfig out. DynamoDB, S3 and the gateway need none.
  3. A second function without VpcConfig that posts, 0 $: this one hands it what to post through a DynamoDB stream, or calls it
     through an interface endpoint of lambda (about 7 $ a month for each zone).
  4. A NAT gateway in a public subnet and a route 0.0.0.0/0 to it: about 33 $ a month for each, its address 4 $, and 0.045 $ a GB.
An interface endpoint of execute-api is none: it serves private REST APIs, and answers 403.`

// wayOut looks whether a function in a network of the script, which posts to connections, reaches the gateway.
func (a *adviser) wayOut(s *check.Statement, p *powers, socket *check.Statement) {
	placement, ok := s.Prop("VpcConfig").(*check.Compound)
	if !ok {
		return
	}
	if !p.posts {
		return
	}
	net := network(placement.Prop("Subnets"))
	if net == nil {
		return // one that the script does not make may have any way out
	}
	at := placement.Pos
	switch {
	case leadsOut(net):
	case !truth(net.Prop("EgressOnlyInternetGateway")):
		a.warn(at, "W10", waysOut, "%s posts to connections, and the network %s gives it no way out: each post hangs until the function times out", s.Name, net.Name)
	case !truth(placement.Prop("DualStack")):
		a.warn(at, "W10", "Add: DualStack <- true\n"+waysOut, "%s posts to connections, and its only way out is for IPv6, which it may not use", s.Name)
	case socket != nil:
		a.warn(at, "W10", fmt.Sprintf("Add to %s: IpAddressType <- \"dualstack\"\n%s", socket.Name, waysOut),
			"%s posts to connections over IPv6, its only way out, and the API %s has no IPv6 address", s.Name, socket.Name)
	}
}

// ipv4Socket returns the first WebSocket API of a target that has no IPv6 address, or nil.
func ipv4Socket(t *check.Target) *check.Statement {
	for _, s := range t.Statements {
		if s.Verb == "api.gatewayV2" && text(s.Prop("Protocol")) == "websocket" && (s.Prop("IpAddressType") == nil || text(s.Prop("IpAddressType")) == "ipv4") {
			return s
		}
	}
	return nil
}

// network returns the network that the script makes and that all the subnets are of, or nil.
func network(subnets check.Value) *check.Statement {
	switch v := subnets.(type) {
	case check.Reference:
		if v.Statement.Verb == "ensure" && v.Statement.Type.Name == "aws.VPC.VPC" {
			return v.Statement
		}
	case check.List:
		var net *check.Statement
		for _, item := range v.Items {
			n := network(item)
			if n == nil || net != nil && n != net {
				return nil
			}
			net = n
		}
		return net
	}
	return nil
}

// leadsOut reports whether a network has another way out, such as a NAT gateway. A property that is new here may be one.
func leadsOut(net *check.Statement) bool {
	for _, p := range net.Props {
		switch p.Name {
		case "CidrBlock", "DualStack", "EgressOnlyInternetGateway", "GatewayEndpoints", "InterfaceEndpoints":
			continue
		}
		if n, ok := p.Value.(check.Number); !ok || n.Value != 0 {
			return true
		}
	}
	return false
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
