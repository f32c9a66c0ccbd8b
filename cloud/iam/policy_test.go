package iam

import (
	"strings"
	"testing"
)

var (
	watchSession = Principal{
		Kind: AssumedRole, Account: testAccount, ARN: "arn:aws:sts::111122223333:assumed-role/watch-role/watch",
		UserID: "AROAQ3EGVEXAMPLE0WATC:watch", RoleName: "watch-role", SessionName: "watch",
	}
	devUser = Principal{Kind: User, Account: testAccount, ARN: "arn:aws:iam::111122223333:user/team/dev", UserID: "AIDAQ3EGVEXAMPLE0DEV2"}
)

func TestIdentityPolicies(t *testing.T) {
	t.Parallel()
	const connection = "arn:aws:execute-api:us-east-1:111122223333:q7w2e9r4t1/development/POST/@connections/{connectionId}"
	for _, c := range []struct {
		statements, action, resource string
		want                         Effect
	}{
		{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`, "s3:GetObject", "arn:aws:s3:::b/k", Allowed},
		{`[]`, "s3:GetObject", "*", NoMatch},
		// Actions are matched without case, with wildcards anywhere.
		{`{"Effect":"Allow","Action":"LAMBDA:invoke*","Resource":"*"}`, "lambda:InvokeFunction", "*", Allowed},
		{`{"Effect":"Allow","Action":["s3:Put*","s3:Get?bject"],"Resource":"*"}`, "s3:GetObject", "*", Allowed},
		{`{"Effect":"Allow","Action":"*","Resource":"*"}`, "s3:GetObject", "*", Allowed},
		{`{"Effect":"Allow","Action":"s3:Get","Resource":"*"}`, "s3:GetObject", "*", NoMatch},
		{`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, "s3:GetObject", "*", Allowed},
		{`{"Effect":"Allow","NotAction":["s3:*","iam:*"],"Resource":"*"}`, "iam:GetRole", "*", NoMatch},
		// Resources are matched with case, part by part.
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/*"}`, "s3:GetObject", "arn:aws:s3:::b/a/b:c", Allowed},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::B/*"}`, "s3:GetObject", "arn:aws:s3:::b/k", NoMatch},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/?"}`, "s3:GetObject", "arn:aws:s3:::b/ü", Allowed},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/?"}`, "s3:GetObject", "arn:aws:s3:::b/kk", NoMatch},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:dynamodb:*:table/x"}`, "dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:111122223333:table/x", NoMatch},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:dynamodb:*:*:table/*/index/*"}`, "dynamodb:Query", "arn:aws:dynamodb:us-east-1:111122223333:table/x/index/y", Allowed},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:execute-api:*:*:*"}`, "execute-api:Invoke", connection, Allowed},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:execute-api:*"}`, "execute-api:Invoke", connection, Allowed},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:execute-api:*:*:*/*/*/@connections/*"}`, "execute-api:ManageConnections", connection, Allowed},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:execute-api:us-east-1:111122223333:q7w2e9r4t1/development/POST/@connections/*"}`, "execute-api:ManageConnections", connection, Allowed},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:execute-api:us-east-1:111122223333:q7w2e9r4t1/live/*"}`, "execute-api:ManageConnections", connection, NoMatch},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:execute-api:us-east-1:111122223333:q7w2e9r4t1/development/POST/@connections/O9iVddyboAMCJ1A="}`, "execute-api:ManageConnections", connection, NoMatch},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b"}`, "s3:ListAllMyBuckets", "*", NoMatch},
		{`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::secret/*"}`, "s3:GetObject", "arn:aws:s3:::b/k", Allowed},
		{`{"Effect":"Allow","Action":"*","NotResource":["arn:aws:s3:::secret/*"]}`, "s3:GetObject", "arn:aws:s3:::secret/k", NoMatch},
		// A deny wins, wherever it stands.
		{`[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"s3:*","Resource":"*"}]`, "s3:GetObject", "*", Denied},
		{`[{"Effect":"Deny","Action":"s3:*","Resource":"*"},{"Effect":"Allow","Action":"*","Resource":"*"}]`, "s3:GetObject", "*", Denied},
		{`[{"Effect":"Deny","Action":"s3:*","Resource":"*"},{"Effect":"Allow","Action":"*","Resource":"*"}]`, "sqs:SendMessage", "*", Allowed},
		// Variables are replaced, and their values and escapes are no wildcards.
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::home/${aws:username}/*"}`, "s3:GetObject", "arn:aws:s3:::home/dev/k", Allowed},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::home/${aws:username}/*"}`, "s3:GetObject", "arn:aws:s3:::home/other/k", NoMatch},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::home/${AWS:UserID}"}`, "s3:GetObject", "arn:aws:s3:::home/AIDAQ3EGVEXAMPLE0DEV2", Allowed},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:PrincipalTag/desk}"}`, "s3:GetObject", "arn:aws:s3:::b/", NoMatch},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${aws:PrincipalTag/desk, 'none'}"}`, "s3:GetObject", "arn:aws:s3:::b/none", Allowed},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${*}"}`, "s3:GetObject", "arn:aws:s3:::b/k", NoMatch},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${*}${?}${$}"}`, "s3:GetObject", "arn:aws:s3:::b/*?$", Allowed},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${test:star}"}`, "s3:GetObject", "arn:aws:s3:::anything", NoMatch},
		{`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${unclosed"}`, "s3:GetObject", "arn:aws:s3:::b/${unclosed", Allowed},
	} {
		d, err := ParsePolicy(`{"Version":"2012-10-17","Statement":` + c.statements + `}`)
		if err != nil {
			t.Errorf("%s: %v", c.statements, err)
			continue
		}
		r := Request{Principal: devUser, Action: c.action, Resource: c.resource, Keys: map[string]string{"test:star": "*"}}
		if got := d.Evaluate(r); got != c.want {
			t.Errorf("%s\non %s %s is %v, want %v", c.statements, c.action, c.resource, got, c.want)
		}
	}
}

func TestOldPoliciesHaveNoVariables(t *testing.T) {
	t.Parallel()
	d, err := ParsePolicy(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:username}"}}`)
	if err != nil {
		t.Fatal(err)
	}
	for resource, want := range map[string]Effect{"arn:aws:s3:::dev": NoMatch, "arn:aws:s3:::${aws:username}": Allowed} {
		if got := d.Evaluate(Request{Principal: devUser, Action: "s3:GetObject", Resource: resource}); got != want {
			t.Errorf("%s: %v, want %v", resource, got, want)
		}
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	keys := map[string]string{
		"AWS:SourceArn": "arn:aws:execute-api:us-east-1:111122223333:q7w2e9r4t1/development/user", "k": "Value", "n": "5", "b": "true",
		"aws:SourceIp": "192.0.2.44", "six": "2001:db8::1", "d": "2024-10-01T10:00:00Z", "list": "a\nb", "nothing": "",
	}
	for condition, want := range map[string]bool{
		`{"StringEquals":{"k":"Value"}}`:                      true,
		`{"StringEquals":{"K":"Value"}}`:                      true, // keys have no case
		`{"StringEquals":{"k":"value"}}`:                      false,
		`{"StringEquals":{"k":"V*"}}`:                         false,
		`{"StringEquals":{"k":["x","Value"]}}`:                true,
		`{"StringEquals":{"k":"Value","n":"6"}}`:              false, // keys AND
		`{"StringEquals":{"k":"Value"},"Bool":{"b":"false"}}`: false, // operators AND
		`{"StringEquals":{"gone":"x"}}`:                       false,
		`{"StringEqualsIfExists":{"gone":"x"}}`:               true,
		`{"StringEqualsIfExists":{"k":"x"}}`:                  false,
		`{"StringNotEquals":{"k":["x","Value"]}}`:             false, // values NOR
		`{"StringNotEquals":{"k":["x","y"]}}`:                 true,
		`{"StringNotEquals":{"gone":"x"}}`:                    true,
		`{"StringEqualsIgnoreCase":{"k":"vALUE"}}`:            true,
		`{"StringNotEqualsIgnoreCase":{"k":"vALUE"}}`:         false,
		`{"StringLike":{"k":"V?l*"}}`:                         true,
		`{"StringNotLike":{"k":"V?l*"}}`:                      false,
		`{"StringLike":{"k":"${*}"}}`:                         false,
		`{"StringEquals":{"aws:username":"${aws:username}"}}`: true,
		`{"ArnLike":{"aws:SourceArn":"arn:aws:execute-api:us-east-1:111122223333:q7w2e9r4t1/*/user"}}`: true,
		`{"ArnEquals":{"aws:SourceArn":"arn:aws:execute-api:*:*:q7w2e9r4t1/*"}}`:                       true,
		`{"ArnLike":{"aws:SourceArn":"arn:aws:execute-api:us-east-1:111122223333:other/*"}}`:           false,
		`{"ArnLike":{"aws:SourceArn":"arn:aws:execute-api:*"}}`:                                        false, // six parts
		`{"ArnNotLike":{"aws:SourceArn":"arn:aws:execute-api:*:*:other/*"}}`:                           true,
		`{"ArnNotEquals":{"gone":"arn:aws:execute-api:*:*:other/*"}}`:                                  true,
		`{"ArnLike":{"aws:SourceArn":"*"}}`:                                                            true,
		`{"Bool":{"b":true}}`:                                                                          true,
		`{"Bool":{"b":"TRUE"}}`:                                                                        true,
		`{"Bool":{"aws:SecureTransport":"false"}}`:                                                     true,
		`{"BoolIfExists":{"aws:MultiFactorAuthPresent":true}}`:                                         true,
		`{"NumericEquals":{"n":5}}`:                                                                    true,
		`{"NumericEquals":{"n":"5.0"}}`:                                                                true,
		`{"NumericNotEquals":{"n":"5.0"}}`:                                                             false,
		`{"NumericLessThan":{"n":"5"}}`:                                                                false,
		`{"NumericLessThanEquals":{"n":"5"}}`:                                                          true,
		`{"NumericGreaterThan":{"n":["9","4"]}}`:                                                       true,
		`{"NumericGreaterThanEquals":{"n":"6"}}`:                                                       false,
		`{"NumericEquals":{"k":"5"}}`:                                                                  false,
		`{"DateLessThan":{"d":"2024-10-01T10:00:01Z"}}`:                                                true,
		`{"DateGreaterThan":{"d":"1727776800"}}`:                                                       false, // the same moment as seconds
		`{"DateEquals":{"d":1727776800}}`:                                                              true,
		`{"DateNotEquals":{"d":1727776800}}`:                                                           false,
		`{"DateGreaterThanEquals":{"d":"2024-10-01"}}`:                                                 true,
		`{"DateLessThanEquals":{"d":"2024-10-01"}}`:                                                    false,
		`{"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}`:                               true,
		`{"NumericGreaterThan":{"aws:EpochTime":"1727776800"}}`:                                        true,
		`{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`:                                                true,
		`{"IpAddress":{"aws:SourceIp":"192.0.2.44"}}`:                                                  true,
		`{"IpAddress":{"six":["10.0.0.0/8","2001:db8::/32"]}}`:                                         true,
		`{"NotIpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`:                                             false,
		`{"NotIpAddress":{"gone":"192.0.2.0/24"}}`:                                                     true,
		`{"Null":{"gone":"true"}}`:                                                                     true,
		`{"Null":{"gone":false}}`:                                                                      false,
		`{"Null":{"k":"true"}}`:                                                                        false,
		`{"Null":{"k":"false"}}`:                                                                       true,
		`{"ForAllValues:StringEquals":{"list":["a","b","c"]}}`:                                         true,
		`{"ForAllValues:StringEquals":{"list":["a"]}}`:                                                 false,
		`{"ForAllValues:StringEquals":{"gone":["a"]}}`:                                                 true,
		`{"ForAllValues:StringEquals":{"nothing":["a"]}}`:                                              true,
		`{"ForAllValues:StringNotEquals":{"list":["c"]}}`:                                              true,
		`{"ForAllValues:StringNotEquals":{"list":["b"]}}`:                                              false,
		`{"ForAnyValue:StringLike":{"list":["x","B","b*"]}}`:                                           true,
		`{"ForAnyValue:StringEquals":{"list":["x"]}}`:                                                  false,
		`{"ForAnyValue:StringEquals":{"gone":["a"]}}`:                                                  false,
		`{"ForAnyValue:StringNotEquals":{"list":["a"]}}`:                                               true,
		`{"BinaryEquals":{"k":"Value"}}`:                                                               true,
		`{"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/team/dev"}}`:              true,
		`{"StringEquals":{"aws:PrincipalAccount":"111122223333","aws:PrincipalType":"User"}}`:          true,
		`{"Bool":{"aws:PrincipalIsAWSService":"false"}}`:                                               true,
	} {
		d, err := ParsePolicy(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":` + condition + `}}`)
		if err != nil {
			t.Errorf("%s: %v", condition, err)
			continue
		}
		if got := d.Evaluate(Request{Principal: devUser, Action: "a:b", Resource: "*", Keys: keys}); (got == Allowed) != want {
			t.Errorf("%s holds: %v, want %v", condition, got == Allowed, want)
		}
	}
}

func TestPrincipals(t *testing.T) {
	t.Parallel()
	dev, watch := Request{Principal: devUser}, Request{Principal: watchSession}
	gateway, nobody := Request{Service: "apigateway.amazonaws.com"}, Request{}
	owner := Request{Principal: Principal{Kind: Root, Account: testAccount, ARN: "arn:aws:iam::111122223333:root", UserID: testAccount}}
	for _, c := range []struct {
		principal string
		request   Request
		want      Effect
	}{
		{`"Principal":"*"`, dev, Allowed},
		{`"Principal":"*"`, nobody, Allowed},
		{`"Principal":{"AWS":"*"}`, watch, Allowed},
		{`"Principal":{"AWS":"111122223333"}`, watch, Delegated},
		{`"Principal":{"AWS":"arn:aws:iam::111122223333:root"}`, dev, Delegated},
		{`"Principal":{"AWS":"arn:aws:iam::111122223333:root"}`, owner, Allowed},
		{`"Principal":{"AWS":"444455556666"}`, dev, NoMatch},
		{`"Principal":{"AWS":["444455556666","arn:aws:iam::111122223333:user/team/dev"]}`, dev, Allowed},
		{`"Principal":{"AWS":"arn:aws:iam::111122223333:role/watch-role"}`, watch, Allowed},
		{`"Principal":{"AWS":"arn:aws:iam::111122223333:role/other-role"}`, watch, NoMatch},
		{`"Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/watch-role/watch"}`, watch, Allowed},
		{`"Principal":{"AWS":"AROAQ3EGVEXAMPLE0WATC"}`, watch, Allowed},
		{`"Principal":{"AWS":"AROAQ3EGVEXAMPLE0OTHE"}`, watch, NoMatch},
		{`"Principal":{"Service":"apigateway.amazonaws.com"}`, gateway, Allowed},
		{`"Principal":{"Service":["lambda.amazonaws.com","apigateway.amazonaws.com"]}`, gateway, Allowed},
		{`"Principal":{"Service":"lambda.amazonaws.com"}`, gateway, NoMatch},
		{`"Principal":{"Service":"apigateway.amazonaws.com"}`, dev, NoMatch},
		{`"Principal":{"AWS":"111122223333"}`, gateway, NoMatch},
		{`"Principal":{"AWS":"111122223333"}`, nobody, NoMatch},
		{`"Principal":{"Federated":"cognito-identity.amazonaws.com"}`, dev, NoMatch},
		{`"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/team/dev"}`, dev, NoMatch},
		{`"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/team/dev"}`, watch, Allowed},
	} {
		d, err := ParsePolicy(`{"Version":"2012-10-17","Statement":{"Effect":"Allow",` + c.principal + `,"Action":"*","Resource":"*"}}`)
		if err != nil {
			t.Errorf("%s: %v", c.principal, err)
			continue
		}
		c.request.Action, c.request.Resource = "lambda:InvokeFunction", "arn:aws:lambda:us-east-1:111122223333:function:watch"
		if got := d.Evaluate(c.request); got != c.want {
			t.Errorf("%s for %s%s: %v, want %v", c.principal, c.request.Principal.ARN, c.request.Service, got, c.want)
		}
	}
}

func TestMalformedPoliciesSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	statement := func(s string) string { return `{"Version":"2012-10-17","Statement":` + s + `}` }
	for text, want := range map[string]string{
		``:   "This policy contains invalid Json",
		`{`:  "This policy contains invalid Json",
		`[]`: "This policy contains invalid Json",
		`{}`: "Syntax errors in policy. Statement is missing",
		`{"Version":"2012-10-18","Statement":[]}`: `Version must be "2012-10-17"`,
		`{"Statments":[]}`:                        `no element "Statments"`,
		statement(`"x"`):                          "Statement must be",
		statement(`["x"]`):                        "a statement must be an object",
		statement(`{"effect":"Allow","Action":"*","Resource":"*"}`):                                         `no element "effect"`,
		statement(`{"Effect":"allow","Action":"*","Resource":"*"}`):                                         `Effect must be "Allow" or "Deny"`,
		statement(`{"Effect":"Allow","Resource":"*"}`):                                                      "Policy statement must contain actions.",
		statement(`{"Effect":"Allow","Action":[],"Resource":"*"}`):                                          "Policy statement must contain actions.",
		statement(`{"Effect":"Allow","Action":"GetObject","Resource":"*"}`):                                 "must be prefaced by a vendor",
		statement(`{"Effect":"Allow","Action":7,"Resource":"*"}`):                                           "Action must be text",
		statement(`{"Effect":"Allow","Action":"*","NotAction":"*"}`):                                        "exclude each other",
		statement(`{"Effect":"Allow","Action":"*","Resource":"*","NotResource":"*"}`):                       "exclude each other",
		statement(`{"Effect":"Allow","Action":"*","Principal":"me"}`):                                       "Invalid principal in policy",
		statement(`{"Effect":"Allow","Action":"*","Principal":{"AWS":"arn:aws:iam::111122223333:role/*"}}`): "Invalid principal in policy",
		statement(`{"Effect":"Allow","Action":"*","Principal":{"Aws":"*"}}`):                                "Invalid principal in policy",
		statement(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringMatches":{"k":"v"}}}`): "Invalid Condition type : StringMatches",
		statement(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NullIfExists":{"k":"v"}}}`):  "Invalid Condition type : NullIfExists",
		statement(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"k":{}}}}`):           "values of condition key k",
		statement(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":[]}`):                          "Condition must be",
		statement(`[{"Sid":"a","Effect":"Allow","Action":"*"},{"Sid":"a","Effect":"Allow","Action":"*"}]`):  "Statement IDs (SID) in a single policy must be unique.",
		statement(`[{"Effect":"Allow","Action":"*"},{"Effect":"Allow"}]`):                                   "in statement 2",
	} {
		if _, err := ParsePolicy(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// A glob that tried every way would not end before the test's own bound.
func TestGlobTakesNoTime(t *testing.T) {
	t.Parallel()
	pattern := newTemplate(strings.Repeat("*a", 2000), true, false).glob
	if glob(pattern, strings.Repeat("a", 4000)+"b", false) {
		t.Error("matched")
	}
}

func TestAWSPoliciesAreThere(t *testing.T) {
	t.Parallel()
	for _, name := range strings.Fields(`service-role/AWSLambdaBasicExecutionRole service-role/AWSLambdaVPCAccessExecutionRole
		AmazonAPIGatewayInvokeFullAccess AmazonAPIGatewayAdministrator AmazonDynamoDBFullAccess AmazonDynamoDBReadOnlyAccess AmazonS3FullAccess
		AmazonS3ReadOnlyAccess AWSLambda_FullAccess AWSLambda_ReadOnlyAccess service-role/AWSLambdaRole CloudWatchLogsFullAccess
		AdministratorAccess PowerUserAccess ReadOnlyAccess IAMFullAccess AmazonSQSReadOnlyAccess`) {
		if _, ok := awsPolicies()["arn:aws:iam::aws:policy/"+name]; !ok {
			t.Errorf("%s is missing", name)
		}
	}
	for arn, p := range awsPolicies() {
		if err := p.version(p.Default).doc.checkIdentity(); err != nil {
			t.Errorf("%s: %v", arn, err)
		}
	}
}

func FuzzParsePolicy(f *testing.F) {
	f.Add(trustLambda, "sts:AssumeRole", "*", "k", "v")
	f.Add(`{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Deny","NotAction":["s3:?*"],"NotResource":["arn:aws:s3:::${aws:username, 'x'}/${*}*"],"Condition":{"ForAllValues:StringLike":{"k":["*v"]},"IpAddress":{"k":"10.0.0.0/8"},"DateLessThanIfExists":{"k":"2024-10-01"},"Null":{"x":true}}}]}`, "s3:GetObject", "arn:aws:s3:::b/k", "k", "v")
	f.Fuzz(func(t *testing.T, text, action, resource, key, value string) {
		d, err := ParsePolicy(text)
		if err != nil {
			return
		}
		d.checkIdentity()
		d.checkTrust()
		r := Request{Principal: watchSession, Action: action, Resource: resource, Keys: map[string]string{key: value}}
		first := d.Evaluate(r)
		for range 3 { // a document is immutable
			if again := d.Evaluate(r); again != first {
				t.Errorf("%v, then %v", first, again)
			}
		}
	})
}
