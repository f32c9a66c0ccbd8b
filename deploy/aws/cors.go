package aws

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"quotewire/dply/schema"
)

var corsEntries = []schema.Property{
	{Name: "AllowOrigins", Kinds: lists, Doc: `The origins of the pages, such as "https://prices.example.org", or "*".`},
	{Name: "AllowMethods", Kinds: lists, Doc: `The methods that they may use, such as "GET", or "*".`},
	{Name: "AllowHeaders", Kinds: lists, Doc: "The headers that they may send."},
	{Name: "ExposeHeaders", Kinds: lists, Doc: "The headers of answers that they may read."},
	{Name: "AllowCredentials", Kinds: booleans, Doc: "Whether their requests may have cookies and the like.", Default: "false"},
	{Name: "MaxAge", Kinds: numbers, Min: -1, Max: 86400, Doc: "How many seconds a browser remembers the answer."},
}

// wantsCORS is what the script says of other origins, nil for nothing.
func (a *api) wantsCORS() (c *types.Cors, unknown []string) {
	if a.s.Prop("Cors") == nil {
		return nil, nil
	}
	v := &values{Provider: a.p, graph: a.graph, props: a.s.Props}
	all := v.maps("Cors")
	if len(v.unknown) > 0 || len(all) == 0 {
		return &types.Cors{}, []string{"Cors"}
	}
	m := all[0]
	list := func(name string) []string {
		items, _ := m[name].([]any)
		var texts []string
		for _, item := range items {
			if text, ok := item.(string); ok {
				texts = append(texts, text)
			}
		}
		return texts
	}
	c = &types.Cors{AllowOrigins: list("AllowOrigins"), AllowMethods: list("AllowMethods"), AllowHeaders: list("AllowHeaders"), ExposeHeaders: list("ExposeHeaders")}
	if n, ok := m["AllowCredentials"].(float64); ok {
		c.AllowCredentials = aws.Bool(n != 0)
	}
	if n, ok := m["MaxAge"].(float64); ok {
		c.MaxAge = aws.Int32(int32(n))
	}
	return c, nil
}

func (a *api) refuseCORS() error {
	cors := a.s.Prop("Cors")
	if protocol, _, _ := a.wants(); cors == nil || protocol != types.ProtocolTypeWebsocket {
		return nil
	}
	return problem(cors.Position(), "E33", "Leave it out: browsers let any page open a WebSocket, and $connect can look at its Origin.", "a WebSocket API has no Cors")
}

// corsSettings is a configuration in one line.
func corsSettings(c *types.Cors) settings {
	if c == nil {
		return settings{"Cors": ""}
	}
	var all []string
	add := func(name, value string) {
		if value != "" {
			all = append(all, name+" "+value)
		}
	}
	add("AllowOrigins", sorted(c.AllowOrigins))
	add("AllowMethods", sorted(c.AllowMethods))
	add("AllowHeaders", sorted(c.AllowHeaders))
	add("ExposeHeaders", sorted(c.ExposeHeaders))
	if aws.ToBool(c.AllowCredentials) {
		add("AllowCredentials", "true")
	}
	if c.MaxAge != nil && *c.MaxAge != 0 {
		add("MaxAge", number(*c.MaxAge))
	}
	return settings{"Cors": strings.Join(all, "; ")}
}
