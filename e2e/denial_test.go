package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"quotewire/cloud"
	"quotewire/e2e/rig"
)

const deskScript = `The desk reads one table.

    target desk
        policy => trust
            allow "sts:AssumeRole"
                principal aws.principal.AWS "111122223333"
        policy => may
            allow "logs:CreateLogGroup" "*"
        ensure aws.IAM.Role "desk-role" => desk
            @teardown delete
            Assume <- trust
            Inline <- may
        ensure aws.DynamoDB.Table "desk-prices" => prices
            @teardown delete
            Fields <= aws.DynamoFields
                ticker string
                    @Key hash
`

// What the log says of a denial is for people: it stands there as it has to stand in the script, and once it does, the
// call is allowed.
func TestADenialSaysWhatToWrite(t *testing.T) {
	t.Parallel()
	p := rig.Start(t, binary, t.TempDir(), "cloud")
	script := filepath.Join(t.TempDir(), "desk.dply")
	deploy := func(text string) {
		t.Helper()
		if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, errs, status := rig.Run(t, p.Env(), binary, "deploy", script); status != 0 {
			t.Fatalf("deploy: %d\n%s%s", status, out, errs)
		}
	}
	deploy(deskScript)
	root, err := cloud.ReadRoot(p.Dir)
	if err != nil {
		t.Fatal(err)
	}
	config := func(key, secret, token string) aws.Config {
		return aws.Config{Region: "us-east-1", BaseEndpoint: &p.Endpoints.Cloud, Credentials: credentials.NewStaticCredentialsProvider(key, secret, token)}
	}
	users := iam.NewFromConfig(config(root.AccessKeyID, root.SecretAccessKey, ""))
	dev := aws.String("dev")
	if _, err := users.CreateUser(t.Context(), &iam.CreateUserInput{UserName: dev}); err != nil {
		t.Fatal(err)
	}
	key, err := users.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: dev})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := users.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: dev, PolicyName: aws.String("p"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}`)}); err != nil {
		t.Fatal(err)
	}
	session, err := sts.NewFromConfig(config(*key.AccessKey.AccessKeyId, *key.AccessKey.SecretAccessKey, "")).AssumeRole(t.Context(),
		&sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::111122223333:role/desk-role"), RoleSessionName: aws.String("desk")})
	if err != nil {
		t.Fatal(err)
	}
	tables := dynamodb.NewFromConfig(config(*session.Credentials.AccessKeyId, *session.Credentials.SecretAccessKey, *session.Credentials.SessionToken))
	read := func() error {
		_, err := tables.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("desk-prices"), Key: map[string]types.AttributeValue{"ticker": &types.AttributeValueMemberS{Value: "EIQQ"}}})
		return err
	}
	if err := read(); err == nil || !strings.Contains(err.Error(), "is not authorized to perform: dynamodb:GetItem") {
		t.Fatalf("before: %v", err)
	}
	const heading = "    to allow it, write in the policy of the role desk-role:\n"
	p.Wait(t, strings.TrimSpace(heading))
	text := p.Log.String()
	for _, want := range []string{
		`msg="access denied" principal=arn:aws:sts::111122223333:assumed-role/desk-role/desk action=dynamodb:GetItem resource=arn:aws:dynamodb:us-east-1:111122223333:table/desk-prices`,
		"    statements that were looked at:\n        inline policy ", "Allow logs:CreateLogGroup on * (deskrole0Sid0) (another action)\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the log does not say %s:\n%s", want, text)
		}
	}
	line, _, _ := strings.Cut(text[strings.Index(text, heading)+len(heading):], "\n")
	const after = `            allow "logs:CreateLogGroup" "*"` + "\n"
	deploy(strings.Replace(deskScript, after, after+"            "+strings.TrimSpace(line)+"\n", 1))
	if err := read(); err != nil {
		t.Errorf("with %q in the script: %v", line, err)
	}
}
