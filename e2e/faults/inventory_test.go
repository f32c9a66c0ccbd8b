package faults

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
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
	lists := []func(context.Context, aws.Config, func(string, ...any)) error{buckets, network, groups, tables, roles, functions, logGroups, apis, names}
	if s.on != "cloud" {
		cfg.HTTPClient = s.wire.cloud.(aws.HTTPClient)
		lists = append(lists, links, graphs, rows, site, zone)
	} else {
		lists = append(lists, deployments) // which moto has not
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
		var indexes []string
		for _, i := range table.Table.GlobalSecondaryIndexes {
			indexes = append(indexes, *i.IndexName)
		}
		note("table %s with indexes %q, time to live %s, protected %t, stream %t", name, indexes, ttl.TimeToLiveDescription.TimeToLiveStatus,
			aws.ToBool(table.Table.DeletionProtectionEnabled), table.Table.StreamSpecification != nil && aws.ToBool(table.Table.StreamSpecification.StreamEnabled))
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
		note("API %s, open %t, CORS %t", *a.Name, !aws.ToBool(a.DisableExecuteApiEndpoint), a.CorsConfiguration != nil)
		integrations, err := client.GetIntegrations(ctx, &apigatewayv2.GetIntegrationsInput{ApiId: a.ApiId})
		if err != nil {
			return err
		}
		for _, i := range integrations.Items {
			note("integration %s of %s, %s", *i.Description, *a.Name, aws.ToString(i.IntegrationMethod))
		}
		routes, err := client.GetRoutes(ctx, &apigatewayv2.GetRoutesInput{ApiId: a.ApiId})
		if err != nil {
			return err
		}
		for _, r := range routes.Items {
			note("route %s of %s, %s, authorizer %t, key %t, named %q", *r.RouteKey, *a.Name, r.AuthorizationType, r.AuthorizerId != nil, aws.ToBool(r.ApiKeyRequired), aws.ToString(r.OperationName))
		}
		stages, err := client.GetStages(ctx, &apigatewayv2.GetStagesInput{ApiId: a.ApiId})
		if err != nil {
			return err
		}
		for _, st := range stages.Items {
			note("stage %s of %s, deployed %t, logged %t, settings of %q", *st.StageName, *a.Name, st.DeploymentId != nil, st.AccessLogSettings != nil, slices.Sorted(maps.Keys(st.RouteSettings)))
		}
	}
	return nil
}

// deployments lists the parts of APIs of which moto tells nothing.
func deployments(ctx context.Context, cfg aws.Config, note func(string, ...any)) error {
	client := apigatewayv2.NewFromConfig(cfg)
	out, err := client.GetApis(ctx, &apigatewayv2.GetApisInput{})
	if err != nil {
		return err
	}
	for _, a := range out.Items {
		authorizers, err := client.GetAuthorizers(ctx, &apigatewayv2.GetAuthorizersInput{ApiId: a.ApiId})
		if err != nil {
			return err
		}
		for _, g := range authorizers.Items {
			note("authorizer %s of %s", *g.Name, *a.Name)
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
			note("%d responses of route %s of %s", len(responses.Items), *r.RouteKey, *a.Name)
		}
		all, err := client.GetDeployments(ctx, &apigatewayv2.GetDeploymentsInput{ApiId: a.ApiId})
		if err != nil {
			return err
		}
		note("%d deployments of %s", len(all.Items), *a.Name)
	}
	return nil
}

// names lists the domain names of APIs.
func names(ctx context.Context, cfg aws.Config, note func(string, ...any)) error {
	client := apigatewayv2.NewFromConfig(cfg)
	out, err := client.GetDomainNames(ctx, &apigatewayv2.GetDomainNamesInput{})
	if err != nil {
		return err
	}
	for _, d := range out.Items {
		note("domain name %s with %s", *d.DomainName, *d.DomainNameConfigurations[0].CertificateArn)
		mappings, err := client.GetApiMappings(ctx, &apigatewayv2.GetApiMappingsInput{DomainName: d.DomainName})
		if err != nil {
			return err
		}
		for _, m := range mappings.Items {
			note("mapping %q of %s to %s", aws.ToString(m.ApiMappingKey), *d.DomainName, *m.Stage)
		}
	}
	return nil
}

func links(ctx context.Context, cfg aws.Config, note func(string, ...any)) error {
	out, err := apigatewayv2.NewFromConfig(cfg).GetVpcLinks(ctx, &apigatewayv2.GetVpcLinksInput{})
	if err != nil {
		return err
	}
	for _, l := range out.Items {
		note("VPC link %s in %d subnets", *l.Name, len(l.SubnetIds))
	}
	return nil
}
