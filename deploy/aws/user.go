package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"quotewire/dply/schema"
)

func init() {
	registerModel(model{
		Type: &schema.Type{
			Name: "aws.IAM.User", Self: "arn", Doc: "A user of the account. Users are found, never made: their credentials are no matter of a script.",
			Members: []schema.Member{nameMember("user"), arnMember("user")},
		},
		noun: "user", absent: "Make the user, or correct the name.",
		read: func(ctx context.Context, v *values) (*real, error) {
			out, err := v.iam.GetUser(ctx, &iam.GetUserInput{UserName: &v.name})
			if err != nil {
				return nil, ignore(err, "NoSuchEntity")
			}
			return &real{members: map[string]any{"arn": aws.ToString(out.User.Arn)}}, nil
		},
	}, true)
}
