package aws

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"quotewire/deploy"
)

func TestPolicyIsWrittenAsDocumented(t *testing.T) {
	t.Parallel()
	g := &deploy.Graph{}
	for _, tc := range []struct {
		name string
		use  purpose
		text string
		want string
	}{
		{"", trust, first(policyText(g, lambdaTrust(), "", trust)), `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Sid0",
      "Effect": "Allow",
      "Action": "sts:AssumeRole",
      "Principal": {
        "Service": "lambda.amazonaws.com"
      }
    }
  ]
}`},
		{"watch-lambda-role-0", grants, first(policyText(g, policy(
			allow("dynamodb:GetItem", "arn:aws:dynamodb:*:*:table/a&b"),
			allow([]string{"s3:GetObject", "s3:PutObject"}, nil, condition("StringEquals", "aws:RequestedRegion", "eu-west-1"),
				condition("StringEquals", "aws:RequestedRegion", "eu-west-2"), principal("AWS", "1"), principal("AWS", "2")),
		), "watch-lambda-role-0", grants)), `{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "watchlambdarole0Sid0",
      "Effect": "Allow",
      "Action": "dynamodb:GetItem",
      "Resource": "arn:aws:dynamodb:*:*:table/a&b"
    },
    {
      "Sid": "watchlambdarole0Sid1",
      "Effect": "Allow",
      "Action": [
        "s3:GetObject",
        "s3:PutObject"
      ],
      "Resource": "*",
      "Principal": {
        "AWS": [
          "1",
          "2"
        ]
      },
      "Condition": {
        "StringEquals": {
          "aws:RequestedRegion": [
            "eu-west-1",
            "eu-west-2"
          ]
        }
      }
    }
  ]
}`},
		{"empty", grants, first(policyText(g, nil, "empty", grants)), `{
  "Version": "2012-10-17",
  "Statement": []
}`},
	} {
		if tc.text != tc.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tc.name, tc.text, tc.want)
		}
	}
}

func first(text string, _ bool) string { return text }

func TestPoliciesAreComparedByMeaning(t *testing.T) {
	t.Parallel()
	const doc = `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":"*"}]}`
	for _, tc := range []struct {
		other string
		same  bool
	}{
		{doc, true},
		{`{"Statement":{"Effect":"Allow","Resource":["*"],"Action":["s3:PutObject","s3:GetObject"],"Sid":"b"},"Version":"2012-10-17"}`, true},
		{`%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%5B%22s3%3AGetObject%22%2C%22s3%3APutObject%22%5D%2C%22Resource%22%3A%22%2A%22%7D%5D%7D`, true},
		{`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["s3:GetObject","s3:PutObject"],"Resource":"*"}]}`, false},
		{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}`, false},
		{`not JSON`, false},
	} {
		if got := samePolicy(doc, tc.other); got != tc.same {
			t.Errorf("same as %s: %v", tc.other, got)
		}
	}
}

func TestFunctionsAreNamedInManyWays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][2]string{
		"watch":      {"watch", ""},
		"watch:live": {"watch", "live"},
		"arn:aws:lambda:us-east-1:111122223333:function:watch":      {"watch", ""},
		"arn:aws:lambda:us-east-1:111122223333:function:watch:live": {"watch", "live"},
		"111122223333:function:watch":                               {"watch", ""},
		functionARN("arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:1:function:watch:live/invocations"): {"watch", "live"},
	} {
		if name, qualifier := splitFunction(text); name != want[0] || qualifier != want[1] {
			t.Errorf("%s: got %q, %q", text, name, qualifier)
		}
	}
}

func TestSubnetsTakeFreeRanges(t *testing.T) {
	t.Parallel()
	taken := []types.Subnet{{CidrBlock: aws.String("10.0.0.0/24"), Ipv6CidrBlockAssociationSet: []types.SubnetIpv6CidrBlockAssociation{{Ipv6CidrBlock: aws.String("2600:1f18:1:ab00::/64")}}}}
	for _, tc := range []struct{ network, want string }{
		{"10.0.0.0/16", "10.0.1.0/24"}, {"10.0.0.0/23", "10.0.1.0/28"}, {"10.7.0.0/26", "10.7.0.0/28"}, {"10.0.0.0/30", ""}, {"fd00::/8", ""}, {"x", ""},
	} {
		got, err := freeRange(tc.network, taken)
		if got != tc.want || (err != nil) != (tc.want == "") {
			t.Errorf("%s: got %q, %v; want %q", tc.network, got, err, tc.want)
		}
	}
	if got, err := freeRange6("2600:1f18:1:ab00::/56", taken); got != "2600:1f18:1:ab01::/64" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}
