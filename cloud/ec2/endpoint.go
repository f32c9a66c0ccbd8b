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

// prefixLists are the lists of addresses that gateway endpoints add routes for.
var prefixLists = map[string]string{"s3": "pl-63a5400a", "dynamodb": "pl-02cd2c6b"}

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
	ID string `xml:"groupId"`
}

type endpointView struct {
	ID         string             `xml:"vpcEndpointId"`
	Type       string             `xml:"vpcEndpointType"`
	VPC        string             `xml:"vpcId"`
	Service    string             `xml:"serviceName"`
	State      string             `xml:"state"`
	Tables     set[string]        `xml:"routeTableIdSet"`
	Subnets    set[string]        `xml:"subnetIdSet"`
	Groups     set[endpointGroup] `xml:"groupSet"`
	PrivateDNS bool               `xml:"privateDnsEnabled"`
	Interfaces set[string]        `xml:"networkInterfaceIdSet"`
	Created    string             `xml:"creationTimestamp"`
	Owner      string             `xml:"ownerId"`
	Tags       set[tag]           `xml:"tagSet"`
}

func viewEndpoint(n *network, e *endpoint) any {
	var groups set[endpointGroup]
	for _, g := range e.Groups {
		groups = append(groups, endpointGroup{g})
	}
	return endpointView{e.ID, e.Type, e.VPC, e.Service, "available", e.Tables, e.Subnets, groups, e.PrivateDNS, nil,
		e.Created.Format("2006-01-02T15:04:05.000Z"), n.account, e.Tags}
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
	if e.Type != gatewayEndpoint && e.Type != interfaceEndpoint {
		return nil, unsupported("the embedded cloud has endpoints of the types Gateway and Interface, not '%s'", e.Type)
	}
	if !strings.HasPrefix(name, "com.amazonaws.") || e.Type == gatewayEndpoint && prefixLists[e.service()] == "" {
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
		for _, id := range e.Tables {
			if _, err := find[*routeTable](n, "rtb", id); err != nil {
				return err
			}
			if other, ok := first(n, func(o *endpoint) bool { return o.Service == name && slices.Contains(o.Tables, id) }); ok {
				return clientError("RouteAlreadyExists", "route table %s already has a route with destination-prefix-list-id of %s", id, other.ID)
			}
		}
		for _, id := range e.Subnets {
			if _, err := find[*subnet](n, "subnet", id); err != nil {
				return err
			}
		}
		for _, id := range e.Groups {
			if _, err := find[*group](n, "sg", id); err != nil {
				return err
			}
		}
		ch.put(e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return []member{{"vpcEndpoint", viewEndpoint(s.network.Load(), e)}, {"clientToken", e.Token}}, nil
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
