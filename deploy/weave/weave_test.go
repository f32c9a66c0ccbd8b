package weave_test

import (
	"bytes"
	"os"
	"regexp"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"

	"quotewire/deploy"
	"quotewire/deploy/aws"
	"quotewire/deploy/weave"
	"quotewire/dply"
	"quotewire/dply/parser"
	"quotewire/dply/syntax"
)

func TestEveryLinkOfTheProductsPageLeadsSomewhere(t *testing.T) {
	text, err := os.ReadFile("../../infrastructure.dply")
	if err != nil {
		t.Fatal(err)
	}
	program, found := dply.Check(aws.Catalog(), []dply.Source{{Name: "infrastructure.dply", Text: text}})
	if found.Err() != nil {
		t.Fatal(found)
	}
	all, err := deploy.Outline(program, deploy.Options{Provider: aws.NewProvider(sdk.Config{Region: "us-east-1"})})
	if err != nil {
		t.Fatal(err)
	}
	file, _ := parser.Parse("infrastructure.dply", text, 0)
	var page bytes.Buffer
	if err := weave.Page(&page, weave.Script{Files: []*syntax.File{file}, Program: program, Catalog: aws.Catalog(), Resources: all}); err != nil {
		t.Fatal(err)
	}
	ids := map[string]int{}
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllSubmatch(page.Bytes(), -1) {
		ids[string(m[1])]++
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("%d elements have the id %s", n, id)
		}
	}
	links := regexp.MustCompile(` href="([^"]+)"`).FindAllSubmatch(page.Bytes(), -1)
	if len(links) < 100 {
		t.Errorf("there are only %d links", len(links))
	}
	for _, m := range links {
		if to := string(m[1]); to[0] != '#' || ids[to[1:]] == 0 {
			t.Errorf("a link leads to %s, which is not on the page", to)
		}
	}
	for _, box := range []string{">watch-lambda<", ">@connections<", ">$disconnect<", ">quotewire-watchers<"} {
		if !bytes.Contains(page.Bytes(), []byte(box)) {
			t.Errorf("no drawing shows %s", box)
		}
	}
}
