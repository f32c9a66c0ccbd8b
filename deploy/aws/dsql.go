package aws

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dsql"
	"github.com/aws/aws-sdk-go-v2/service/dsql/types"

	"quotewire/deploy"
	"quotewire/dply/schema"
)

func init() {
	registerModel(model{
		Type: &schema.Type{
			Name: "aws.AuroraDSQL.Cluster", Self: "id",
			Doc:   "A cluster of Aurora DSQL, a database that speaks PostgreSQL's protocol and has no servers to choose: known by its tag Name.",
			Notes: "A teardown takes the deletion protection off if the script does not ask for it.",
			Properties: []schema.Property{
				{Name: "DeletionProtection", Kinds: booleans, Doc: "Whether Aurora DSQL refuses to delete the cluster.", Default: "false"},
			},
			Members: []schema.Member{idMember("cluster"), nameMember("cluster"), arnMember("cluster"), {Name: "endpoint", Kind: schema.String, Doc: "The host to connect to."}},
		},
		noun: "DSQL cluster", wait: 15 * time.Minute, outputs: []string{"endpoint"},
		read: readDSQL, wants: wantDSQL, create: createDSQL, update: updateDSQL, remove: removeDSQL,
	}, true)
}

// listDSQL reads all clusters that are not going: a list has neither their tags nor their state.
func listDSQL(ctx context.Context, v *values) ([]*dsql.GetClusterOutput, error) {
	var all []*dsql.GetClusterOutput
	pages := dsql.NewListClustersPaginator(v.dsql, &dsql.ListClustersInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, c := range page.Clusters {
			out, err := v.dsql.GetCluster(ctx, &dsql.GetClusterInput{Identifier: c.Identifier})
			if is(err, "ResourceNotFoundException") {
				continue // gone since the list
			}
			if err != nil {
				return nil, err
			}
			if out.Status != types.ClusterStatusDeleting && out.Status != types.ClusterStatusDeleted && out.Status != types.ClusterStatusPendingDelete {
				all = append(all, out)
			}
		}
	}
	return all, nil
}

func readDSQL(ctx context.Context, v *values) (*real, error) {
	if !v.listed {
		v.clusters.forget()
	}
	all, err := v.clusters.get(func() ([]*dsql.GetClusterOutput, error) { return listDSQL(ctx, v) })
	if err != nil {
		return nil, err
	}
	var here []*dsql.GetClusterOutput
	for _, c := range all {
		if c.Tags["Name"] == v.name {
			here = append(here, c)
		}
	}
	found, err := only("DSQL clusters", v.name, here, func(c *dsql.GetClusterOutput) *string { return c.Identifier })
	if found == nil || err != nil {
		return nil, err
	}
	c := *found
	r := &real{settings: settings{"DeletionProtection": yes(aws.ToBool(c.DeletionProtectionEnabled))},
		members: map[string]any{"id": aws.ToString(c.Identifier), "arn": aws.ToString(c.Arn), "endpoint": aws.ToString(c.Endpoint)}}
	switch c.Status {
	case types.ClusterStatusCreating, types.ClusterStatusUpdating, types.ClusterStatusPendingSetup:
		r.busy = true
	case types.ClusterStatusFailed:
		r.failed = "Aurora DSQL says no more; delete it and deploy again"
	}
	return r, nil
}

func wantDSQL(v *values) settings {
	return settings{"DeletionProtection": yes(v.flag("DeletionProtection", false))}
}

func createDSQL(ctx context.Context, v *values) error {
	_, err := v.dsql.CreateCluster(ctx, &dsql.CreateClusterInput{DeletionProtectionEnabled: aws.Bool(v.flag("DeletionProtection", false)), Tags: map[string]string{"Name": v.name}})
	return err
}

func protectDSQL(ctx context.Context, v *values, on bool) error {
	_, err := v.dsql.UpdateCluster(ctx, &dsql.UpdateClusterInput{Identifier: aws.String(v.found.member("id")), DeletionProtectionEnabled: &on})
	return err
}

func updateDSQL(ctx context.Context, v *values, _ map[string]bool) error {
	return protectDSQL(ctx, v, v.flag("DeletionProtection", false))
}

func removeDSQL(ctx context.Context, v *values) error {
	if v.found.settings["DeletionProtection"] == "true" {
		if v.flag("DeletionProtection", false) {
			return deploy.Kept("it is protected against deletion; set DeletionProtection <- false, deploy, and destroy again")
		}
		if err := protectDSQL(ctx, v, false); err != nil {
			return err
		}
	}
	_, err := v.dsql.DeleteCluster(ctx, &dsql.DeleteClusterInput{Identifier: aws.String(v.found.member("id"))})
	return ignore(err, "ResourceNotFoundException")
}
