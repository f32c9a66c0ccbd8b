package aws

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/neptune"
	"github.com/aws/aws-sdk-go-v2/service/neptune/types"

	"quotewire/deploy"
	"quotewire/dply/schema"
)

// neptuneWait is how long a cluster or an instance may take.
const neptuneWait = 30 * time.Minute

func init() {
	registerModel(model{
		Type: &schema.Type{
			Name: "aws.Neptune.SubnetGroup", Self: "name",
			Doc: "The subnets in which the instances of a Neptune cluster lie, in two zones at least.",
			Properties: []schema.Property{
				{Name: "Subnets", Kinds: lists, Required: true, Doc: "The ids of the subnets."},
				{Name: "Description", Kinds: texts, Default: "the name", Doc: "What people read."},
			},
			Members: []schema.Member{nameMember("subnet group"), arnMember("subnet group")},
		},
		noun: "subnet group", rests: []string{"Subnets"}, read: readSubnetGroup, wants: wantSubnetGroup, create: createSubnetGroup, update: updateSubnetGroup, remove: removeSubnetGroup,
	}, true)
	registerModel(model{
		Type: &schema.Type{
			Name: "aws.Neptune.Cluster", Self: "id",
			Doc:   "A cluster of Neptune, the graph database. Its name becomes lower case. With a range of capacities its instances can be serverless.",
			Notes: "A teardown takes no final snapshot, and takes the deletion protection off if the script does not ask for it.",
			Properties: []schema.Property{
				{Name: "SubnetGroupName", Kinds: objects, Objects: []string{"aws.Neptune.SubnetGroup"}, Required: true, Fixed: true, Doc: "The subnet group, or its name."},
				{Name: "MinCapacity", Kinds: numbers, Min: 1, Max: 128, Doc: "The least capacity of a serverless instance, in Neptune capacity units.", Default: "no serverless instances"},
				{Name: "MaxCapacity", Kinds: numbers, Min: 2.5, Max: 128, Doc: "The greatest capacity of a serverless instance."},
				{Name: "DeletionProtection", Kinds: booleans, Doc: "Whether Neptune refuses to delete the cluster.", Default: "false"},
			},
			Members: []schema.Member{idMember("cluster"), nameMember("cluster"), arnMember("cluster"),
				{Name: "endpoint", Kind: schema.String, Doc: "The host that writes and reads."},
				{Name: "readerEndpoint", Kind: schema.String, Doc: "The host that only reads."},
				{Name: "port", Kind: schema.Number, Doc: "The port of both."}},
		},
		noun: "Neptune cluster", refuse: refuseCluster, outputs: []string{"endpoint"}, wait: neptuneWait,
		read: readCluster, wants: wantCluster, create: createCluster, update: updateCluster, remove: removeCluster,
	}, true)
	registerModel(model{
		Type: &schema.Type{
			Name: "aws.Neptune.Instance", Self: "id",
			Doc: "An instance of a Neptune cluster. Its name becomes lower case.",
			Properties: []schema.Property{
				{Name: "Cluster", Kinds: objects, Objects: []string{"aws.Neptune.Cluster"}, Required: true, Fixed: true, Doc: "The cluster, or its name."},
				{Name: "InstanceClass", Kinds: texts, Required: true, Doc: `The class, such as "r6g.large", or "serverless"; db. is put before it if it is not there.`},
			},
			Members: []schema.Member{idMember("instance"), nameMember("instance"), arnMember("instance"), {Name: "endpoint", Kind: schema.String, Doc: "The host of this instance."}},
		},
		noun: "Neptune instance", wait: neptuneWait,
		read: readInstance, wants: wantInstance, create: createInstance, update: updateInstance, remove: removeInstance,
	}, true)
}

type (
	subnetGroupTypes = types.DBSubnetGroup
	clusterTypes     = types.DBCluster
	instanceTypes    = types.DBInstance
)

// neptunes returns the one of a name: from the list of the run, or asked for. The function describes what has a name, or a page
// of all if it is given none.
func neptunes[T any](ctx context.Context, v *values, s *stock[T], name string, nameOf func(T) *string, describe func(ctx context.Context, name, marker *string) ([]T, *string, error)) (*T, error) {
	found, told := listed(ctx, v, s, name, func() pages[T] {
		var marker *string
		return func(ctx context.Context, add func(string, T)) (bool, error) {
			all, next, err := describe(ctx, nil, marker)
			for _, x := range all {
				add(aws.ToString(nameOf(x)), x)
			}
			marker = next
			return aws.ToString(next) != "", err
		}
	})
	if told {
		return found, nil
	}
	all, _, err := describe(ctx, &name, nil)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// engine leaves out of a list what is of another database: it is RDS's as well.
func engine(name *string) []types.Filter {
	if name != nil {
		return nil
	}
	return []types.Filter{{Name: aws.String("engine"), Values: []string{"neptune"}}}
}

func readSubnetGroup(ctx context.Context, v *values) (*real, error) {
	g, err := neptunes(ctx, v, &v.grouped, v.name, func(g types.DBSubnetGroup) *string { return g.DBSubnetGroupName },
		func(ctx context.Context, name, marker *string) ([]types.DBSubnetGroup, *string, error) {
			out, err := v.neptune.DescribeDBSubnetGroups(ctx, &neptune.DescribeDBSubnetGroupsInput{DBSubnetGroupName: name, Marker: marker})
			if err != nil {
				return nil, nil, ignore(err, "DBSubnetGroupNotFoundFault")
			}
			return out.DBSubnetGroups, out.Marker, nil
		})
	if g == nil || err != nil {
		return nil, err
	}
	var ids []string
	for _, s := range g.Subnets {
		ids = append(ids, aws.ToString(s.SubnetIdentifier))
	}
	return &real{settings: settings{"Subnets": sorted(ids), "Description": aws.ToString(g.DBSubnetGroupDescription)}, members: map[string]any{"arn": aws.ToString(g.DBSubnetGroupArn)}}, nil
}

func wantSubnetGroup(v *values) settings {
	return settings{"Subnets": sorted(v.list("Subnets")), "Description": v.text("Description", v.name)}
}

func createSubnetGroup(ctx context.Context, v *values) error {
	_, err := v.neptune.CreateDBSubnetGroup(ctx, &neptune.CreateDBSubnetGroupInput{DBSubnetGroupName: &v.name, DBSubnetGroupDescription: aws.String(v.text("Description", v.name)), SubnetIds: v.list("Subnets")})
	return err
}

func updateSubnetGroup(ctx context.Context, v *values, _ map[string]bool) error {
	_, err := v.neptune.ModifyDBSubnetGroup(ctx, &neptune.ModifyDBSubnetGroupInput{DBSubnetGroupName: &v.name, DBSubnetGroupDescription: aws.String(v.text("Description", v.name)), SubnetIds: v.list("Subnets")})
	return err
}

func removeSubnetGroup(ctx context.Context, v *values) error {
	_, err := v.neptune.DeleteDBSubnetGroup(ctx, &neptune.DeleteDBSubnetGroupInput{DBSubnetGroupName: &v.name})
	return ignore(err, "DBSubnetGroupNotFoundFault")
}

// lower is the name as Neptune keeps it.
func lower(v *values) *string { return aws.String(strings.ToLower(v.name)) }

func readCluster(ctx context.Context, v *values) (*real, error) {
	c, err := neptunes(ctx, v, &v.graphs, *lower(v), func(c types.DBCluster) *string { return c.DBClusterIdentifier },
		func(ctx context.Context, name, marker *string) ([]types.DBCluster, *string, error) {
			out, err := v.neptune.DescribeDBClusters(ctx, &neptune.DescribeDBClustersInput{DBClusterIdentifier: name, Marker: marker, Filters: engine(name)})
			if err != nil {
				return nil, nil, ignore(err, "DBClusterNotFoundFault")
			}
			return out.DBClusters, out.Marker, nil
		})
	if c == nil || err != nil {
		return nil, err
	}
	r := &real{settings: settings{"SubnetGroupName": aws.ToString(c.DBSubnetGroup), "MinCapacity": "", "MaxCapacity": "", "DeletionProtection": yes(aws.ToBool(c.DeletionProtection))},
		members: map[string]any{"id": *lower(v), "arn": aws.ToString(c.DBClusterArn), "endpoint": aws.ToString(c.Endpoint), "readerEndpoint": aws.ToString(c.ReaderEndpoint), "port": float64(aws.ToInt32(c.Port))},
		busy:    aws.ToString(c.Status) != "available"}
	if s := c.ServerlessV2ScalingConfiguration; s != nil {
		r.settings["MinCapacity"], r.settings["MaxCapacity"] = capacity(s.MinCapacity), capacity(s.MaxCapacity)
	}
	return r, nil
}

func capacity(n *float64) string {
	if n == nil {
		return ""
	}
	return deploy.Text(*n)
}

// scaling is the range of capacities, or nil.
func scaling(v *values) *types.ServerlessV2ScalingConfiguration {
	if !v.has("MinCapacity") {
		return nil
	}
	return &types.ServerlessV2ScalingConfiguration{MinCapacity: aws.Float64(v.graph.Number(v.value("MinCapacity"), 0)), MaxCapacity: aws.Float64(v.graph.Number(v.value("MaxCapacity"), 0))}
}

func wantCluster(v *values) settings {
	want := settings{"SubnetGroupName": v.object("SubnetGroupName", "name"), "DeletionProtection": yes(v.flag("DeletionProtection", false))}
	if s := scaling(v); s != nil { // Neptune has no way to take a range away
		want["MinCapacity"], want["MaxCapacity"] = capacity(s.MinCapacity), capacity(s.MaxCapacity)
	}
	return want
}

// refuseCluster refuses a range that goes down. Half of one the checker refuses.
func refuseCluster(v *values) error {
	least := v.value("MinCapacity")
	if least == nil || v.graph.Number(least, 0) <= v.graph.Number(v.value("MaxCapacity"), 0) {
		return nil
	}
	return problem(least.Position(), "E47", "Exchange the two.", "MinCapacity is greater than MaxCapacity")
}

func createCluster(ctx context.Context, v *values) error {
	_, err := v.neptune.CreateDBCluster(ctx, &neptune.CreateDBClusterInput{DBClusterIdentifier: lower(v), Engine: aws.String("neptune"), DBSubnetGroupName: aws.String(v.object("SubnetGroupName", "name")),
		ServerlessV2ScalingConfiguration: scaling(v), DeletionProtection: aws.Bool(v.flag("DeletionProtection", false)), StorageEncrypted: aws.Bool(true)})
	return err
}

func updateCluster(ctx context.Context, v *values, _ map[string]bool) error {
	_, err := v.neptune.ModifyDBCluster(ctx, &neptune.ModifyDBClusterInput{DBClusterIdentifier: lower(v), ApplyImmediately: aws.Bool(true),
		ServerlessV2ScalingConfiguration: scaling(v), DeletionProtection: aws.Bool(v.flag("DeletionProtection", false))})
	return err
}

func removeCluster(ctx context.Context, v *values) error {
	if v.found.settings["DeletionProtection"] == "true" {
		if v.flag("DeletionProtection", false) {
			return deploy.Kept("it is protected against deletion; set DeletionProtection <- false, deploy, and destroy again")
		}
		if _, err := v.neptune.ModifyDBCluster(ctx, &neptune.ModifyDBClusterInput{DBClusterIdentifier: lower(v), ApplyImmediately: aws.Bool(true), DeletionProtection: aws.Bool(false)}); err != nil {
			return err
		}
	}
	_, err := v.neptune.DeleteDBCluster(ctx, &neptune.DeleteDBClusterInput{DBClusterIdentifier: lower(v), SkipFinalSnapshot: aws.Bool(true)})
	return ignore(err, "DBClusterNotFoundFault")
}

func readInstance(ctx context.Context, v *values) (*real, error) {
	i, err := neptunes(ctx, v, &v.instances, *lower(v), func(i types.DBInstance) *string { return i.DBInstanceIdentifier },
		func(ctx context.Context, name, marker *string) ([]types.DBInstance, *string, error) {
			out, err := v.neptune.DescribeDBInstances(ctx, &neptune.DescribeDBInstancesInput{DBInstanceIdentifier: name, Marker: marker, Filters: engine(name)})
			if err != nil {
				return nil, nil, ignore(err, "DBInstanceNotFound", "DBInstanceNotFoundFault")
			}
			return out.DBInstances, out.Marker, nil
		})
	if i == nil || err != nil {
		return nil, err
	}
	r := &real{settings: settings{"Cluster": aws.ToString(i.DBClusterIdentifier), "InstanceClass": aws.ToString(i.DBInstanceClass)},
		members: map[string]any{"id": *lower(v), "arn": aws.ToString(i.DBInstanceArn)}, busy: aws.ToString(i.DBInstanceStatus) != "available"}
	if i.Endpoint != nil {
		r.members["endpoint"] = aws.ToString(i.Endpoint.Address)
	}
	return r, nil
}

func wantInstance(v *values) settings {
	class := v.text("InstanceClass", "")
	if !strings.HasPrefix(class, "db.") {
		class = "db." + class
	}
	return settings{"Cluster": strings.ToLower(v.object("Cluster", "name")), "InstanceClass": class}
}

func createInstance(ctx context.Context, v *values) error {
	want := wantInstance(v)
	_, err := v.neptune.CreateDBInstance(ctx, &neptune.CreateDBInstanceInput{DBInstanceIdentifier: lower(v), Engine: aws.String("neptune"),
		DBClusterIdentifier: aws.String(want["Cluster"]), DBInstanceClass: aws.String(want["InstanceClass"])})
	return err
}

func updateInstance(ctx context.Context, v *values, _ map[string]bool) error {
	_, err := v.neptune.ModifyDBInstance(ctx, &neptune.ModifyDBInstanceInput{DBInstanceIdentifier: lower(v), ApplyImmediately: aws.Bool(true), DBInstanceClass: aws.String(wantInstance(v)["InstanceClass"])})
	return err
}

func removeInstance(ctx context.Context, v *values) error {
	_, err := v.neptune.DeleteDBInstance(ctx, &neptune.DeleteDBInstanceInput{DBInstanceIdentifier: lower(v), SkipFinalSnapshot: aws.Bool(true)})
	return ignore(err, "DBInstanceNotFound", "DBInstanceNotFoundFault")
}
