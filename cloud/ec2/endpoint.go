package ec2

import (
	"slices"
	"strings"
	"time"
)

const (
	gatewayEndpoint   = "Gateway"
	interfaceEndpoint = "Interface"
)

// interfaceServices are the services that interface endpoints serve here: those that this cloud has, and S3 and DynamoDB,
// which have gateway endpoints as well.
var interfaceServices = []string{"apigateway", "dynamodb", "ec2", "execute-api", "lambda", "logs", "s3", "sts"}

// endpoint gives a VPC a way to one service of AWS: by routes (a gateway endpoint), or by interfaces in its subnets that
// the service's name may lead to (an interface endpoint with private DNS).
type endpoint struct {
	ID         string
	VPC        string
	Service    string // such as com.amazonaws.us-east-1.s3
	Type       string
	Tables     []string
	Subnets    []string
	Groups     []string
	PrivateDNS bool
	Created    time.Time
	Token      string `json:",omitempty"`
	Tags       set[tag]
}

// service is the last word of the service's name.
func (e *endpoint) service() string { return e.Service[strings.LastIndex(e.Service, ".")+1:] }

func (e *endpoint) id() string {
	if e == nil {
		return ""
	}
	return e.ID
}
func (e *endpoint) in() string                      { return e.VPC }
func (e *endpoint) tagged() set[tag]                { return e.Tags }
func (e *endpoint) withTags(tags set[tag]) resource { w := *e; w.Tags = tags; return &w }

func (e *endpoint) attribute(_ *network, name string) ([]string, bool) {
	if e == nil {
		e = &endpoint{}
	}
	switch name {
	case "vpc-endpoint-id":
		return []string{e.ID}, true
	case "vpc-id":
		return []string{e.VPC}, true
	case "service-name":
		return []string{e.Service}, true
	case "vpc-endpoint-state":
		return []string{"available"}, true
	case "vpc-endpoint-type":
		return []string{e.Type}, true
	}
	return nil, false
}

type endpointGroup struct {
	ID   string `xml:"groupId"`
	Name string `xml:"groupName"`
}

type dnsEntry struct {
	Name string `xml:"dnsName"`
	Zone string `xml:"hostedZoneId"`
}

type dnsOptions struct {
	RecordType string `xml:"dnsRecordIpType"`
}

type endpointView struct {
	ID         string             `xml:"vpcEndpointId"`
	Type       string             `xml:"vpcEndpointType"`
	VPC        string             `xml:"vpcId"`
	Service    string             `xml:"serviceName"`
	State      string             `xml:"state"`
	Policy     string             `xml:"policyDocument"`
	Tables     set[string]        `xml:"routeTableIdSet"`
	Subnets    set[string]        `xml:"subnetIdSet"`
	Groups     set[endpointGroup] `xml:"groupSet"`
	IPType     string             `xml:"ipAddressType"`
	DNS        dnsOptions         `xml:"dnsOptions"`
	PrivateDNS bool               `xml:"privateDnsEnabled"`
	Managed    bool               `xml:"requesterManaged"`
	Interfaces set[string]        `xml:"networkInterfaceIdSet"`
	Names      set[dnsEntry]      `xml:"dnsEntrySet"`
	Created    string             `xml:"creationTimestamp"`
	Owner      string             `xml:"ownerId"`
	Tags       set[tag]           `xml:"tagSet"`
}

// fullAccess is the policy of an endpoint that was given none.
const fullAccess = `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`

func viewEndpoint(n *network, e *endpoint) any {
	v := endpointView{ID: e.ID, Type: e.Type, VPC: e.VPC, Service: e.Service, State: "available", Policy: fullAccess, Tables: e.Tables, Subnets: e.Subnets,
		IPType: "ipv4", DNS: dnsOptions{"ipv4"}, PrivateDNS: e.PrivateDNS, Created: e.Created.Format("2006-01-02T15:04:05.000Z"), Owner: n.account, Tags: e.Tags}
	for _, id := range e.Groups {
		if g, ok := get[*group](n, id); ok {
			v.Groups = append(v.Groups, endpointGroup{id, g.Name})
		}
	}
	for _, id := range e.Subnets {
		v.Interfaces = append(v.Interfaces, derivedID(e.ID, id))
	}
	if e.Type == interfaceEndpoint {
		v.Names = append(v.Names, dnsEntry{e.ID + "." + e.host(n), "Z7HUB22UULQXV"})
		if e.PrivateDNS {
			v.Names = append(v.Names, dnsEntry{e.service() + "." + n.region + ".amazonaws.com", "ZONEIDPENDING"})
		}
	}
	return v
}

func (e *endpoint) host(n *network) string {
	return e.service() + "." + n.region + ".vpce.amazonaws.com"
}

func (s *Service) describeEndpoints(c *call) ([]member, error) {
	return describe(s, c, "VpcEndpointId", "vpce", "vpcEndpointSet", viewEndpoint)
}

func (s *Service) createEndpoint(c *call) ([]member, error) {
	name, err := c.need("ServiceName")
	if err != nil {
		return nil, err
	}
	tags, err := c.tags("vpc-endpoint")
	if err != nil {
		return nil, err
	}
	e := &endpoint{ID: newID("vpce"), VPC: c.get("VpcId"), Service: name, Type: c.get("VpcEndpointType"), Tables: c.list("RouteTableId"),
		Subnets: c.list("SubnetId"), Groups: c.list("SecurityGroupId"), PrivateDNS: c.bool("PrivateDnsEnabled"),
		Created: time.Now().UTC(), Token: c.get("ClientToken"), Tags: tags}
	if e.Type == "" {
		e.Type = gatewayEndpoint
	}
	if e.Type == interfaceEndpoint && !c.has("PrivateDnsEnabled") {
		e.PrivateDNS = true // as AWS documents it
	}
	if err := c.ipv4Only(); err != nil {
		return nil, err
	}
	if e.Type != gatewayEndpoint && e.Type != interfaceEndpoint {
		return nil, unsupported("the embedded cloud has endpoints of the types Gateway and Interface, not '%s'", e.Type)
	}
	service, ok := strings.CutPrefix(name, "com.amazonaws."+s.Region+".")
	if !ok || e.Type == gatewayEndpoint && prefixLists[service] == "" || e.Type == interfaceEndpoint && !slices.Contains(interfaceServices, service) {
		return nil, clientError("InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", name)
	}
	err = s.update(c.ctx, func(ch *change) error {
		n := &ch.network
		if old, ok := first(n, func(o *endpoint) bool { return e.Token != "" && o.Token == e.Token }); ok {
			e = old
			return nil
		}
		if _, err := find[*vpc](n, "vpc", e.VPC); err != nil {
			return err
		}
		if e.Type == interfaceEndpoint && len(e.Groups) == 0 {
			if g, ok := first(n, func(g *group) bool { return g.VPC == e.VPC && g.Name == "default" }); ok {
				e.Groups = []string{g.ID}
			}
		}
		if err := e.check(n); err != nil {
			return err
		}
		ch.put(e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return []member{{"vpcEndpoint", viewEndpoint(s.network.Load(), e)}, {"clientToken", e.Token}}, nil
}

// ipv4Only refuses the addresses that endpoints here do not have.
func (c *call) ipv4Only() error {
	if kind := c.get("IpAddressType"); kind != "" && kind != "ipv4" {
		return unsupported("the embedded cloud has endpoints with the IpAddressType ipv4, not '%s'", kind)
	}
	return nil
}

// check refuses an endpoint that does not fit its VPC, or that takes what another has.
func (e *endpoint) check(n *network) error {
	in, err := find[*vpc](n, "vpc", e.VPC)
	if err != nil {
		return err
	}
	switch {
	case e.Type == gatewayEndpoint && (len(e.Subnets) > 0 || len(e.Groups) > 0):
		return clientError("InvalidParameter", "Endpoint type (Gateway) does not support the parameters SubnetIds and SecurityGroupIds")
	case e.Type == interfaceEndpoint && len(e.Tables) > 0:
		return clientError("InvalidParameter", "Endpoint type (Interface) does not support the parameter RouteTableIds")
	case e.PrivateDNS && e.Type == gatewayEndpoint:
		return clientError("InvalidParameter", "Private DNS can't be enabled for a gateway endpoint")
	case e.PrivateDNS && !(in.DNSSupport && in.DNSHostnames):
		return clientError("InvalidParameter", "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for %s", e.VPC)
	}
	for _, o := range inVPC[*endpoint](n, e.VPC) {
		if e.PrivateDNS && o.PrivateDNS && o.ID != e.ID && o.Service == e.Service {
			return clientError("InvalidParameter", "private-dns-enabled cannot be set because there is already a conflicting DNS domain for %s.%s.amazonaws.com in the VPC %s", e.service(), n.region, e.VPC)
		}
	}
	for _, id := range e.Tables {
		t, err := find[*routeTable](n, "rtb", id)
		if err != nil {
			return err
		}
		if t.VPC != e.VPC {
			return clientError("InvalidParameter", "Route table %s does not belong to the VPC %s", id, e.VPC)
		}
		if other, ok := first(n, func(o *endpoint) bool { return o.ID != e.ID && o.Service == e.Service && slices.Contains(o.Tables, id) }); ok {
			return clientError("RouteAlreadyExists", "route table %s already has a route with destination-prefix-list-id %s, of %s", id, prefixLists[e.service()], other.ID)
		}
	}
	zones := map[string]bool{}
	for _, id := range e.Subnets {
		v, err := find[*subnet](n, "subnet", id)
		if err != nil {
			return err
		}
		if v.VPC != e.VPC {
			return clientError("InvalidParameter", "The subnet %s does not belong to the VPC %s", id, e.VPC)
		}
		if zones[v.Zone] {
			return clientError("DuplicateSubnetsInSameZone", "Found another VPC endpoint subnet in the availability zone of %s. VPC endpoint subnets should be in different availability zones supported by the VPC endpoint service.", id)
		}
		zones[v.Zone] = true
	}
	for _, id := range e.Groups {
		g, err := find[*group](n, "sg", id)
		if err != nil {
			return err
		}
		if g.VPC != e.VPC {
			return clientError("InvalidParameter", "The security group %s does not belong to the VPC %s", id, e.VPC)
		}
	}
	return nil
}

func (s *Service) modifyEndpoint(c *call) ([]member, error) {
	id, err := c.need("VpcEndpointId")
	if err != nil {
		return nil, err
	}
	if err := c.ipv4Only(); err != nil {
		return nil, err
	}
	// edited is a list with what the call adds, and without what it removes.
	edited := func(list []string, what string) []string {
		add, remove := c.list("Add"+what), c.list("Remove"+what)
		list = slices.DeleteFunc(slices.Clone(list), func(id string) bool { return slices.Contains(remove, id) || slices.Contains(add, id) })
		return append(list, add...)
	}
	return done, s.update(c.ctx, func(ch *change) error {
		old, err := find[*endpoint](&ch.network, "vpce", id)
		if err != nil {
			return err
		}
		e := *old
		e.Tables, e.Subnets, e.Groups = edited(e.Tables, "RouteTableId"), edited(e.Subnets, "SubnetId"), edited(e.Groups, "SecurityGroupId")
		if c.has("PrivateDnsEnabled") {
			e.PrivateDNS = c.bool("PrivateDnsEnabled")
		}
		if err := e.check(&ch.network); err != nil {
			return err
		}
		ch.put(&e)
		return nil
	})
}

func (s *Service) describeEndpointServices(c *call) ([]member, error) {
	type kind struct {
		Type string `xml:"serviceType"`
	}
	type item struct {
		Name       string      `xml:"serviceName"`
		Types      set[kind]   `xml:"serviceType"`
		Zones      set[string] `xml:"availabilityZoneSet"`
		Owner      string      `xml:"owner"`
		PrivateDNS string      `xml:"privateDnsName,omitempty"`
		Policies   bool        `xml:"vpcEndpointPolicySupported"`
		Acceptance bool        `xml:"acceptanceRequired"`
		Managed    bool        `xml:"managesVpcEndpoints"`
	}
	filters, err := c.filters()
	if err != nil {
		return nil, err
	}
	var zones set[string]
	for _, z := range s.zones() {
		zones = append(zones, z.Name)
	}
	var items []item
	add := func(service, kindOf string) {
		i := item{Name: "com.amazonaws." + s.Region + "." + service, Types: set[kind]{{kindOf}}, Zones: zones, Owner: "amazon"}
		if kindOf == interfaceEndpoint {
			i.PrivateDNS = service + "." + s.Region + ".amazonaws.com"
		}
		items = append(items, i)
	}
	for _, service := range interfaceServices {
		add(service, interfaceEndpoint)
		if prefixLists[service] != "" {
			add(service, gatewayEndpoint)
		}
	}
	wanted := c.list("ServiceName")
	for _, name := range wanted {
		if !slices.ContainsFunc(items, func(i item) bool { return i.Name == name }) {
			return nil, clientError("InvalidServiceName", "The Vpc Endpoint Service '%s' does not exist", name)
		}
	}
	for _, f := range filters {
		var value func(item) string
		switch f.name {
		case "service-name":
			value = func(i item) string { return i.Name }
		case "service-type":
			value = func(i item) string { return i.Types[0].Type }
		case "owner":
			value = func(i item) string { return i.Owner }
		default:
			return nil, invalidParameter("The filter '%s' is invalid", f.name)
		}
		items = slices.DeleteFunc(items, func(i item) bool { return !f.pass([]string{value(i)}) })
	}
	items = slices.DeleteFunc(items, func(i item) bool { return len(wanted) > 0 && !slices.Contains(wanted, i.Name) })
	items, next, err := page(c, items, func(i item) string { return i.Name + " " + i.Types[0].Type })
	if err != nil {
		return nil, err
	}
	var names set[string]
	for _, i := range items {
		if !slices.Contains(names, i.Name) {
			names = append(names, i.Name)
		}
	}
	return withToken([]member{{"serviceNameSet", names}, {"serviceDetailSet", set[item](items)}}, next), nil
}

func (s *Service) deleteEndpoints(c *call) ([]member, error) {
	ids := c.list("VpcEndpointId")
	if len(ids) == 0 {
		return nil, missingParameter("VpcEndpointId")
	}
	return []member{{"unsuccessful", set[string]{}}}, s.update(c.ctx, func(ch *change) error {
		for _, id := range ids {
			if _, err := find[*endpoint](&ch.network, "vpce", id); err != nil {
				return err
			}
			ch.remove(id)
		}
		return nil
	})
}
