package aws

import (
	"maps"
	"slices"

	"quotewire/deploy"
	"quotewire/dply/check"
	"quotewire/dply/schema"
)

// expander adds the resources of one kind of statement to the graph.
type expander func(p *Provider, g *deploy.Graph, s *check.Statement) error

// entry is one thing that scripts can name: what is known and documented of it, and what becomes of statements with it.
// A reader, which only describes a value, has no expander.
type entry struct {
	*schema.Type
	ensure, find, verb expander
}

// entries are all of them by name. Each file of a type registers its own, and nothing else has to know it.
var entries = map[string]entry{}

func register(e entry) {
	if _, twice := entries[e.Name]; twice {
		panic("aws: two entries named " + e.Name)
	}
	e.Ensure, e.Find = e.ensure != nil, e.find != nil
	entries[e.Name] = e
}

func (e entry) expander(verb string) expander {
	switch verb {
	case "ensure":
		return e.ensure
	case "find":
		return e.find
	}
	return e.verb
}

// Catalog is what a script can say about AWS. It holds what this package deploys and nothing more.
func Catalog() *schema.Catalog {
	c := &schema.Catalog{Consts: constants}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		switch e := entries[name]; {
		case e.verb != nil:
			c.Verbs = append(c.Verbs, e.Type)
		case e.Ensure || e.Find || e.Coin:
			c.Types = append(c.Types, e.Type)
		default:
			c.Readers = append(c.Readers, e.Type)
		}
	}
	return c
}

var constants = []schema.Const{
	{Name: "aws.action.ec2.CreateNetworkInterface", Value: "ec2:CreateNetworkInterface"},
	{Name: "aws.action.ec2.DescribeNetworkInterfaces", Value: "ec2:DescribeNetworkInterfaces"},
	{Name: "aws.action.ec2.DeleteNetworkInterface", Value: "ec2:DeleteNetworkInterface"},
	{Name: "aws.action.S3.GetObject", Value: "s3:GetObject"},
	{Name: "aws.action.S3.PutObject", Value: "s3:PutObject"},
	{Name: "aws.action.APIGateway.GET", Value: "apigateway:GET"},
	{Name: "aws.principal.AWS", Value: "AWS"},
	{Name: "aws.principal.Service", Value: "Service"},
	{Name: "aws.principal.CloudFront", Value: "cloudfront.amazonaws.com"},
	{Name: "aws.cond.StringEquals", Value: "StringEquals"},
	{Name: "aws.SourceArn", Value: "aws:SourceArn"},
}

// Shorthands for the kinds of a property.
var (
	texts    = []schema.Kind{schema.String}
	numbers  = []schema.Kind{schema.Number}
	booleans = []schema.Kind{schema.Bool}
	lists    = []schema.Kind{schema.List}
	dicts    = []schema.Kind{schema.Map}
	policies = []schema.Kind{schema.Policy}
	readBy   = []schema.Kind{schema.Value}
	objects  = []schema.Kind{schema.String, schema.Object}
)

func arnMember(of string) schema.Member {
	return schema.Member{Name: "arn", Doc: "The ARN of the " + of + ".", Kind: schema.String}
}

func nameMember(of string) schema.Member {
	return schema.Member{Name: "name", Doc: "The name of the " + of + ".", Kind: schema.String}
}

func idMember(of string) schema.Member {
	return schema.Member{Name: "id", Doc: "The id of the " + of + ".", Kind: schema.String}
}

var uriMember = schema.Member{Name: "integrationUri", Doc: "The URI by which API Gateway invokes it.", Kind: schema.String}
