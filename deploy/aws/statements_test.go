package aws

import (
	"reflect"
	"testing"
)

func TestPermissionsThatWidenAndNarrow(t *testing.T) {
	old := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:Scan"],"Resource":"t"},{"Sid":"x","Effect":"Deny","Action":"s3:*","Resource":"*"}]}`
	new := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:Query"],"Resource":["t"]},
		{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"lambda.amazonaws.com"}},{"Effect":"Deny","NotAction":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`
	c := permissions("policy p", old, new)
	if want := []string{`allow "dynamodb:Scan" "t"`, `deny "s3:*" "*"`}; !reflect.DeepEqual(c.Removed, want) {
		t.Errorf("removed %q, want %q", c.Removed, want)
	}
	if want := []string{`allow "dynamodb:Query" "t"`, `allow "sts:AssumeRole" principal {"Service":"lambda.amazonaws.com"}`,
		`deny not "s3:*" "*" condition {"Bool":{"aws:SecureTransport":"false"}}`}; !reflect.DeepEqual(c.Added, want) {
		t.Errorf("added %q, want %q", c.Added, want)
	}
	if c := permissions("p", "", new); len(c.Added) != 4 || len(c.Removed) != 0 {
		t.Errorf("of a new policy: %+v", c)
	}
}
