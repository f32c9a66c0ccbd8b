package faults

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// inventory lists everything in the cloud, a line each, without the ids that differ between two clouds. It asks past the
// deployer's wire.
func (s *station) inventory(ctx context.Context) (lines []string, err error) {
	note := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	cfg := s.config(http.DefaultClient)
	lists := []func(context.Context, aws.Config, func(string, ...any)) error{buckets, network, tables, roles, functions, logGroups}
	if s.on != "moto" { // which has not all of them, and whose scripts have none
		lists = append(lists, apis)
	}
	for _, list := range lists {
		if err := list(ctx, cfg, note); err != nil {
			return nil, err
		}
	}
	slices.Sort(lines)
	return lines, nil
}

func buckets(ctx context.Context, cfg aws.Config, note func(string, ...any)) error {
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	out, err := client.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil {
		return err
	}
	for _, b := range out.Buckets {
		note("bucket %s", *b.Name)
		objects, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b.Name})
		if err != nil {
			return err
		}
		for _, o := range objects.Contents {
			note("object %s of %d bytes", *o.Key, *o.Size)
		}
	}
	return nil
}

func network(ctx context.Context, cfg aws.Config, note func(string, ...any)) error {
	client := ec2.NewFromConfig(cfg)
	vpcs, err := client.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{})
	if err != nil {
		return err
	}
	for _, v := range vpcs.Vpcs {
		note("network %s, %d IPv6 ranges", *v.CidrBlock, len(v.Ipv6CidrBlockAssociationSet))
	}
	subnets, err := client.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{})
	if err != nil {
		return err
	}
	for _, n := range subnets.Subnets {
		note("subnet %s in %s, %d IPv6 ranges", *n.CidrBlock, *n.AvailabilityZone, len(n.Ipv6CidrBlockAssociationSet))
	}
	routes, err := client.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{})
	if err != nil {
		return err
	}
	for _, t := range routes.RouteTables {
		note("route table of %d routes", len(t.Routes))
	}
	gateways, err := client.DescribeEgressOnlyInternetGateways(ctx, &ec2.DescribeEgressOnlyInternetGatewaysInput{})
	if err != nil {
		return err
	}
	note("%d egress-only internet gateways", len(gateways.EgressOnlyInternetGateways))
	endpoints, err := client.DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{})
	if err != nil {
		return err
	}
	for _, e := range endpoints.VpcEndpoints {
		note("endpoint of %s", *e.ServiceName)
	}
	groups, err := client.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{})
	if err != nil {
		return err
	}
	for _, g := range groups.SecurityGroups {
		ranges := 0
		for _, p := range g.IpPermissionsEgress {
			ranges += len(p.IpRanges) + len(slices.DeleteFunc(p.Ipv6Ranges, func(r ec2types.Ipv6Range) bool { return r.CidrIpv6 == nil }))
		}
		note("security group %s with %d ways out", *g.GroupName, ranges)
	}
	return nil
}

func logGroups(ctx context.Context, cfg aws.Config, note func(string, ...any)) error {
	out, err := cloudwatchlogs.NewFromConfig(cfg).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
	if err != nil {
		return err
	}
	for _, g := range out.LogGroups {
		note("log group %s, kept %d days", *g.LogGroupName, aws.ToInt32(g.RetentionInDays))
	}
	return nil
}

func tables(ctx context.Context, cfg aws.Config, note func(string, ...any)) error {
	client := dynamodb.NewFromConfig(cfg)
	out, err := client.ListTables(ctx, &dynamodb.ListTablesInput{})
	if err != nil {
		return err
	}
	for _, name := range out.TableNames {
		ttl, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &name})
		if err != nil {
			return err
		}
		table, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
		if err != nil {
			return err
		}
		note("table %s with %d indexes, time to live %s", name, len(table.Table.GlobalSecondaryIndexes), ttl.TimeToLiveDescription.TimeToLiveStatus)
	}
	return nil
}

func roles(ctx context.Context, cfg aws.Config, note func(string, ...any)) error {
	client := iam.NewFromConfig(cfg)
	out, err := client.ListRoles(ctx, &iam.ListRolesInput{})
	if err != nil {
		return err
	}
	for _, r := range out.Roles {
		inline, err := client.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: r.RoleName})
		if err != nil {
			return err
		}
		attached, err := client.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: r.RoleName})
		if err != nil {
			return err
		}
		note("role %s with %q and %d attached", *r.RoleName, inline.PolicyNames, len(attached.AttachedPolicies))
	}
	policies, err := client.ListPolicies(ctx, &iam.ListPoliciesInput{Scope: iamtypes.PolicyScopeTypeLocal})
	if err != nil {
		return err
	}
	for _, p := range policies.Policies {
		note("policy %s at %s", *p.PolicyName, *p.DefaultVersionId)
	}
	return nil
}

var sid = regexp.MustCompile(`"Sid": ?"[^"]+"`)

func functions(ctx context.Context, cfg aws.Config, note func(string, ...any)) error {
	client := lambda.NewFromConfig(cfg)
	out, err := client.ListFunctions(ctx, &lambda.ListFunctionsInput{})
	if err != nil {
		return err
	}
	for _, f := range out.Functions {
		versions, err := client.ListVersionsByFunction(ctx, &lambda.ListVersionsByFunctionInput{FunctionName: f.FunctionName})
		if err != nil {
			return err
		}
		share, err := client.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: f.FunctionName})
		if err != nil {
			return err
		}
		note("function %s with %d versions, code %s, concurrency %d", *f.FunctionName, len(versions.Versions), *f.CodeSha256, aws.ToInt32(share.ReservedConcurrentExecutions))
		aliases, err := client.ListAliases(ctx, &lambda.ListAliasesInput{FunctionName: f.FunctionName})
		if err != nil {
			return err
		}
		qualifiers := []*string{nil}
		for _, a := range aliases.Aliases {
			note("alias %s of %s at %s", *a.Name, *f.FunctionName, *a.FunctionVersion)
			qualifiers = append(qualifiers, a.Name)
		}
		for _, q := range qualifiers {
			policy, err := client.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: f.FunctionName, Qualifier: q})
			if err == nil {
				note("policy of %s:%s with %s", *f.FunctionName, aws.ToString(q), slices.Sorted(slices.Values(sid.FindAllString(*policy.Policy, -1))))
			}
		}
	}
	return nil
}

func apis(ctx context.Context, cfg aws.Config, note func(string, ...any)) error {
	client := apigatewayv2.NewFromConfig(cfg)
	out, err := client.GetApis(ctx, &apigatewayv2.GetApisInput{})
	if err != nil {
		return err
	}
	for _, a := range out.Items {
		note("API %s", *a.Name)
		authorizers, err := client.GetAuthorizers(ctx, &apigatewayv2.GetAuthorizersInput{ApiId: a.ApiId})
		if err != nil {
			return err
		}
		for _, g := range authorizers.Items {
			note("authorizer %s of %s", *g.Name, *a.Name)
		}
		integrations, err := client.GetIntegrations(ctx, &apigatewayv2.GetIntegrationsInput{ApiId: a.ApiId})
		if err != nil {
			return err
		}
		for _, i := range integrations.Items {
			note("integration %s of %s", *i.Description, *a.Name)
		}
		routes, err := client.GetRoutes(ctx, &apigatewayv2.GetRoutesInput{ApiId: a.ApiId})
		if err != nil {
			return err
		}
		for _, r := range routes.Items {
			responses, err := client.GetRouteResponses(ctx, &apigatewayv2.GetRouteResponsesInput{ApiId: a.ApiId, RouteId: r.RouteId})
			if err != nil {
				return err
			}
			note("route %s of %s with %d responses, authorizer %t", *r.RouteKey, *a.Name, len(responses.Items), r.AuthorizerId != nil)
		}
		stages, err := client.GetStages(ctx, &apigatewayv2.GetStagesInput{ApiId: a.ApiId})
		if err != nil {
			return err
		}
		for _, st := range stages.Items {
			note("stage %s of %s, deployed %t, logged %t", *st.StageName, *a.Name, st.DeploymentId != nil, st.AccessLogSettings != nil)
		}
		deployments, err := client.GetDeployments(ctx, &apigatewayv2.GetDeploymentsInput{ApiId: a.ApiId})
		if err != nil {
			return err
		}
		note("%d deployments of %s", len(deployments.Items), *a.Name)
	}
	return nil
}
