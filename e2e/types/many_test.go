package types

import (
	"fmt"
	"strings"
	"testing"

	"quotewire/deploy"
	provider "quotewire/deploy/aws"
	"quotewire/dply"
)

// A plan lists what AWS lists, once, and asks for the rest by name: DynamoDB tells of one table at a time.
func TestCallsOfAPlanOfManyResourcesAreBounded(t *testing.T) {
	const each = 100 // log groups, and as many tables
	var b strings.Builder
	b.WriteString("    target many\n")
	for i := range each {
		fmt.Fprintf(&b, "        ensure aws.Logs.LogGroup \"/many/%03d\"\n            @teardown delete\n            RetentionInDays <- 7\n", i)
		fmt.Fprintf(&b, "        ensure aws.DynamoDB.Table \"many-%03d\"\n            @teardown delete\n            Fields <= aws.DynamoFields\n                id string\n                    @Key hash\n", i)
	}
	p, list := dply.Check(provider.Catalog(), []dply.Source{{Name: "many.dply", Text: []byte(b.String())}})
	if p == nil {
		t.Fatal(list)
	}
	r := &trial{T: t, dir: t.TempDir()}
	r.config = r.wire.through(server(t, "cloud"))
	plan, err := r.plan(p, deploy.Deploy)
	if err != nil {
		t.Fatal(err)
	}
	first := len(r.wire.take())
	if n := len(said(plan.Steps())); n != 2*each || first > 10 {
		t.Errorf("the first plan has %d steps and made %d calls, want %d and at most 10", n, first, 2*each)
	}
	if _, err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.wire.take()
	if plan, err = r.plan(p, deploy.Deploy); err != nil {
		t.Fatal(err)
	}
	second := r.wire.take()
	if steps := said(plan.Steps()); steps != nil || len(second) > 2*each+10 {
		t.Errorf("a plan of what is there would %q and made %d calls, want none and at most %d", steps, len(second), 2*each+10)
	}
	if _, err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if calls := r.wire.take(); len(calls) > 0 {
		t.Errorf("a deploy of what is there made %d further calls", len(calls))
	}
	t.Logf("%d resources: %d calls for the plan of a first deploy, %d for a deploy that changes nothing", 2*each, first, len(second))
	r.destroy(p)
}
