package ec2

import (
	"strings"

	"quotewire/cloud/protocol"
)

// authorize asks for the permissions that the Service Authorization Reference gives an operation: one on each resource that
// it is about, and ec2:CreateTags if it tags what it makes.
func (s *Service) authorize(c *call, op operation) error {
	asked := op.resources(s, c)
	for _, r := range asked {
		if err := s.IAM.Authorize(c.ctx, protocol.EC2Query, "ec2:"+c.action, r.arn, s.keys(c, r)); err != nil {
			return err
		}
	}
	if c.has("TagSpecification") {
		keys := s.keys(c, asked[0])
		keys["ec2:CreateAction"] = c.action
		return s.IAM.Authorize(c.ctx, protocol.EC2Query, "ec2:CreateTags", asked[0].arn, keys)
	}
	return nil
}

// subject is a resource that policies are asked about; it may not be there.
type subject struct{ arn, id string }

// resources are what an operation is about. Each word of op.on is a kind, for one that is yet to be made; a kind and a
// parameter, for the one or the many that the parameter names, "*" standing for any kind; or "association", for what the
// parameter AssociationId joins. An operation about none in particular is about all.
func (op operation) resources(s *Service, c *call) []subject {
	var all []subject
	for _, word := range strings.Fields(op.on) {
		kind, param, named := strings.Cut(word, "=")
		switch {
		case word == "association":
			all = append(all, s.associated(c.get("AssociationId"))...)
		case !named:
			all = append(all, subject{arn: s.arn(kind, "*")})
		default:
			ids := c.list(param)
			if id := c.get(param); id != "" {
				ids = append(ids, id)
			}
			for _, id := range ids {
				k := kind
				if prefix, _, _ := strings.Cut(id, "-"); k == "*" {
					k = resourceTypes[prefix]
				}
				all = append(all, subject{s.arn(k, id), id})
			}
		}
	}
	if all == nil {
		return []subject{{arn: "*"}}
	}
	return all
}

// associated are the table and the subnet of a route table's association, or the owner of a CIDR block.
func (s *Service) associated(id string) []subject {
	n := s.network.Load()
	for _, r := range n.items {
		switch v := r.(type) {
		case *routeTable:
			for _, a := range v.Associations {
				if a.ID == id && a.Subnet != "" {
					return []subject{{s.arn("route-table", v.ID), v.ID}, {s.arn("subnet", a.Subnet), a.Subnet}}
				} else if a.ID == id {
					return []subject{{s.arn("route-table", v.ID), v.ID}}
				}
			}
		case *subnet:
			for _, b := range v.IPv6 {
				if b.Association == id {
					return []subject{{s.arn("subnet", v.ID), v.ID}}
				}
			}
		case *vpc:
			for _, b := range append(v.IPv6[:len(v.IPv6):len(v.IPv6)], v.IPv4...) {
				if b.Association == id {
					return []subject{{s.arn("vpc", v.ID), v.ID}}
				}
			}
		}
	}
	return nil
}

// keys are the condition keys of a request about a resource.
func (s *Service) keys(c *call, about subject) map[string]string {
	keys := map[string]string{"ec2:Region": s.Region}
	var tagKeys []string
	specs := append(c.members("TagSpecification"), "")
	for _, spec := range specs {
		name := "Tag"
		if spec != "" {
			name = spec + ".Tag"
		}
		for _, p := range c.members(name) {
			tagKeys = append(tagKeys, c.get(p+".Key"))
			keys["aws:RequestTag/"+c.get(p+".Key")] = c.get(p + ".Value")
		}
	}
	if tagKeys != nil {
		keys["aws:TagKeys"] = strings.Join(tagKeys, "\n")
	}
	if r, ok := s.network.Load().items[about.id]; ok {
		for _, t := range r.tagged() {
			keys["aws:ResourceTag/"+t.Key] = t.Value
			keys["ec2:ResourceTag/"+t.Key] = t.Value
		}
		if in := r.in(); in != "" {
			keys["ec2:Vpc"] = s.arn("vpc", in)
		}
	}
	return keys
}
