package check_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"quotewire/deploy/aws"
	"quotewire/dply"
	"quotewire/dply/check"
)

// meaning is a statement without its places.
func meaning(t *testing.T, text, name string) string {
	t.Helper()
	program, found := dply.Check(aws.Catalog(), []dply.Source{{Name: "script.dply", Text: []byte(text)}})
	if found.Err() != nil {
		t.Fatal(found)
	}
	for _, s := range program.Targets[0].Statements {
		if s.Name == name {
			return string(places.ReplaceAll(fmt.Append(nil, render(s)), nil))
		}
	}
	t.Fatalf("no statement %s", name)
	return ""
}

var places = regexp.MustCompile(`script\.dply:\d+:\d+|0x[0-9a-f]+`)

func render(s *check.Statement) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s\n", s.Verb, s.Type.Name, s.Teardown)
	props := map[string]string{}
	for _, p := range s.Props {
		text := fmt.Sprintf("%+v", p.Value)
		switch v := p.Value.(type) {
		case *check.Compound:
			text = fmt.Sprintf("%+v", *v)
		case *check.Fields:
			text = fmt.Sprintf("%+v", *v)
		case *check.Role:
			text = v.Name
			for _, policy := range v.Inline {
				text += fmt.Sprintf("%+v", policy.Statements)
			}
		}
		props[p.Name] = text
	}
	fmt.Fprint(&b, props, len(s.Parts)) // a map prints in the order of its keys
	return b.String()
}

func TestLikeMeansWhatIsWrittenOutTwice(t *testing.T) {
	const head = `
    target t
        lambda.function "one" => one
            @teardown preserve
            Runtime <- "provided.al2023"
            MemorySize <- 512
            Timeout <- 7
            Code <= aws.S3.Location
                Bucket <- "code.example.org"
                Key <- "one.zip"
            Role <= aws.IAM.WithRole "role"
                assume
                    allow "sts:AssumeRole"
                        principal "Service" "lambda.amazonaws.com"
                policy
                    allow "s3:GetObject" "*"
        lambda.function "two"
`
	like := meaning(t, head+`
            MemorySize <- 128
            @like one
`, "two")
	written := meaning(t, head+`
            @teardown preserve
            Runtime <- "provided.al2023"
            MemorySize <- 128
            Timeout <- 7
            Code <= aws.S3.Location
                Bucket <- "code.example.org"
                Key <- "one.zip"
            Role <= aws.IAM.WithRole "role"
                assume
                    allow "sts:AssumeRole"
                        principal "Service" "lambda.amazonaws.com"
                policy
                    allow "s3:GetObject" "*"
`, "two")
	if like != written {
		t.Errorf("@like means\n%s\nwritten out it is\n%s", like, written)
	}
	if !strings.Contains(like, "128") || strings.Contains(like, "512") {
		t.Errorf("the block's own MemorySize does not count: %s", like)
	}
}
