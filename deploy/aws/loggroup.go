package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"quotewire/dply/schema"
)

func init() {
	registerModel(model{
		Type: &schema.Type{
			Name: "aws.Logs.LogGroup", Self: "name",
			Doc:   "A log group of CloudWatch Logs. A function writes to /aws/lambda/NAME unless its Logging says otherwise, and makes that group when it is missing, without an end to its retention: ensure it here to say when events are forgotten.",
			Notes: "A teardown removes the group with all its events.",
			Properties: []schema.Property{
				{Name: "RetentionInDays", Kinds: numbers, Doc: "Days until an event is forgotten.", Default: "never", Numbers: retentions},
				{Name: "KmsKey", Kinds: texts, Doc: "The ARN of the key that encrypts the events.", Default: "a key of CloudWatch Logs"},
				{Name: "Class", Kinds: texts, Enum: []string{"STANDARD", "INFREQUENT_ACCESS"}, Doc: "The log class.", Default: "STANDARD", Fixed: true},
			},
			Members: []schema.Member{nameMember("log group"), arnMember("log group")},
		},
		noun: "log group", read: readLogGroup, wants: wantLogGroup, create: createLogGroup, update: updateLogGroup, remove: removeLogGroup,
	}, true)
}

// retentions are the numbers of days that CloudWatch Logs takes.
var retentions = []float64{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

type logGroupTypes = types.LogGroup

// listLogGroups lists the groups whose names begin with a prefix, all of them without one.
func (p *Provider) listLogGroups(prefix *string) pages[types.LogGroup] {
	list := cloudwatchlogs.NewDescribeLogGroupsPaginator(p.logs, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: prefix})
	return func(ctx context.Context, add func(string, types.LogGroup)) (bool, error) {
		page, err := list.NextPage(ctx)
		if err != nil {
			return false, err
		}
		for _, g := range page.LogGroups {
			add(aws.ToString(g.LogGroupName), g)
		}
		return list.HasMorePages(), nil
	}
}

// logGroup finds a group: in the list of the run, or else by its name as a prefix, which other groups may begin with as well.
func (v *values) logGroup(ctx context.Context) (found *types.LogGroup, err error) {
	if g, told := listed(ctx, v, &v.groups, v.name, func() pages[types.LogGroup] { return v.listLogGroups(nil) }); told {
		return g, nil
	}
	next := v.listLogGroups(&v.name)
	for more := true; more && err == nil; {
		more, err = next(ctx, func(name string, g types.LogGroup) {
			if name == v.name {
				found = &g
			}
		})
	}
	return found, err
}

func readLogGroup(ctx context.Context, v *values) (*real, error) {
	g, err := v.logGroup(ctx)
	if err != nil || g == nil {
		return nil, err
	}
	r := &real{settings: settings{"KmsKey": aws.ToString(g.KmsKeyId), "Class": string(g.LogGroupClass)},
		members: map[string]any{"arn": v.arn("logs", "log-group:"+v.name)}}
	if g.RetentionInDays != nil {
		r.settings["RetentionInDays"] = number(*g.RetentionInDays)
	}
	if g.LogGroupClass == "" {
		r.settings["Class"] = string(types.LogGroupClassStandard)
	}
	return r, nil
}

func wantLogGroup(v *values) settings {
	want := settings{"RetentionInDays": "", "KmsKey": v.text("KmsKey", ""), "Class": v.text("Class", string(types.LogGroupClassStandard))}
	if v.has("RetentionInDays") {
		want["RetentionInDays"] = number(v.integer("RetentionInDays", 0))
	}
	return want
}

func createLogGroup(ctx context.Context, v *values) error {
	want := wantLogGroup(v)
	_, err := v.logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &v.name,
		LogGroupClass: types.LogGroupClass(want["Class"]), KmsKeyId: optional(want["KmsKey"])})
	if err := ignore(err, "ResourceAlreadyExistsException"); err != nil {
		return err
	}
	if want["RetentionInDays"] == "" {
		return nil
	}
	return retainLogs(ctx, v, want["RetentionInDays"])
}

// retainLogs sets the days that events are kept; "" keeps them for good.
func retainLogs(ctx context.Context, v *values, days string) error {
	if days == "" {
		_, err := v.logs.DeleteRetentionPolicy(ctx, &cloudwatchlogs.DeleteRetentionPolicyInput{LogGroupName: &v.name})
		return err
	}
	_, err := v.logs.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: &v.name,
		RetentionInDays: aws.Int32(v.integer("RetentionInDays", 0))})
	return err
}

func updateLogGroup(ctx context.Context, v *values, differs map[string]bool) error {
	want := wantLogGroup(v)
	if differs["RetentionInDays"] {
		if err := retainLogs(ctx, v, want["RetentionInDays"]); err != nil {
			return err
		}
	}
	switch key := want["KmsKey"]; {
	case !differs["KmsKey"]:
		return nil
	case key == "":
		_, err := v.logs.DisassociateKmsKey(ctx, &cloudwatchlogs.DisassociateKmsKeyInput{LogGroupName: &v.name})
		return err
	default:
		_, err := v.logs.AssociateKmsKey(ctx, &cloudwatchlogs.AssociateKmsKeyInput{LogGroupName: &v.name, KmsKeyId: &key})
		return err
	}
}

func removeLogGroup(ctx context.Context, v *values) error {
	_, err := v.logs.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &v.name})
	return ignore(err, "ResourceNotFoundException")
}
