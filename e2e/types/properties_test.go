package types

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/rogpeppe/go-internal/txtar"

	"quotewire/deploy"
	provider "quotewire/deploy/aws"
	"quotewire/dply/check"
	"quotewire/dply/schema"
)

// A file of testdata/properties has three scripts: base, where what is tried is not said, set, and changed. They are
// deployed in the order base, set, changed, base. Each time the plan says what of it differs, and then nothing does; and what
// was unset is no longer as changed has it, but as AWS makes it.
//
// Its comment names the servers in a line "on: cloud moto", and what is tried: "of TYPE: Property Property". A property with
// only one value beside its default, which cannot change once it is set, has a star: "Tracing*".
func TestPropertiesAreSetChangedAndUnset(t *testing.T) {
	files, err := filepath.Glob("testdata/properties/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	tried := map[string][]string{}
	for _, file := range files {
		a := archive(t, file)
		properties := triedIn(a)
		for typ, names := range properties {
			for _, name := range names {
				tried[typ] = append(tried[typ], strings.TrimSuffix(name, "*"))
			}
		}
		for _, on := range servers(t, file) {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+" on "+on, func(t *testing.T) {
				t.Parallel()
				r := &trial{T: t, dir: folder(t), issuer: startIssuer(t)}
				cfg := server(t, on)
				outfit(t, cfg)
				r.config = r.wire.through(cfg)
				r.turn(a, properties)
			})
		}
	}
	for _, typ := range changeable() {
		if rest := slices.DeleteFunc(optional(typ), func(name string) bool { return slices.Contains(tried[typ.Name], name) }); len(rest) > 0 {
			t.Logf("not tried: %s %s", typ.Name, strings.Join(rest, ", "))
		}
	}
}

// triedProperties is what docs/tried.md says of testdata/properties.
func triedProperties(t *testing.T) []byte {
	t.Helper()
	files, err := filepath.Glob("testdata/properties/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	on := map[string]map[string][]string{} // by type and property
	for _, file := range files {
		for typ, names := range triedIn(archive(t, file)) {
			for _, name := range names {
				name = strings.TrimSuffix(name, "*")
				if on[typ] == nil {
					on[typ] = map[string][]string{}
				}
				on[typ][name] = append(on[typ][name], servers(t, file)...)
			}
		}
	}
	var b bytes.Buffer
	b.WriteString("\n## Set, changed, and unset again\n\n" +
		"Of each of these properties a script first says nothing, then one thing, then another where there is one, and then nothing again. Each\n" +
		"time the plan names it, a second deploy writes nothing, and in the end the resource is as AWS makes it when nothing is said\n" +
		"(`go test ./e2e/types -run TestProperties -v` lists the properties that are not here).\n\n" +
		"| of | embedded cloud | moto |\n| --- | --- | --- |\n")
	for _, typ := range slices.Sorted(maps.Keys(on)) {
		var columns [2]string
		for i, server := range []string{"cloud", "moto"} {
			var names []string
			for _, name := range slices.Sorted(maps.Keys(on[typ])) {
				if slices.Contains(on[typ][name], server) {
					names = append(names, name)
				}
			}
			columns[i] = strings.Join(names, ", ")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", typ, columns[0], columns[1])
	}
	return b.Bytes()
}

// triedIn are the properties that a file tries, by type.
func triedIn(a *txtar.Archive) map[string][]string {
	tried := map[string][]string{}
	for _, m := range regexp.MustCompile(`(?m)^of (.*): (.*)$`).FindAllStringSubmatch(string(a.Comment), -1) {
		tried[m[1]] = append(tried[m[1]], strings.Fields(m[2])...)
	}
	return tried
}

// changeable are the types with properties.
func changeable() []*schema.Type {
	c := provider.Catalog()
	return slices.DeleteFunc(slices.Concat(c.Types, c.Verbs, c.Readers), func(t *schema.Type) bool { return len(optional(t)) == 0 })
}

// optional are the properties of a type that a script may leave out, and change.
func optional(t *schema.Type) []string {
	var names []string
	for _, p := range t.Properties {
		if !p.Required && !p.Fixed {
			names = append(names, p.Name)
		}
	}
	return names
}

// turn deploys the scripts of a file in their order.
func (r *trial) turn(a *txtar.Archive, properties map[string][]string) {
	r.Helper()
	programs := map[string]*check.Program{}
	for i := range a.Files {
		programs[a.Files[i].Name] = r.program(&a.Files[i])
	}
	defer func() { r.destroy(programs["base"]) }()
	before := "nothing"
	for _, name := range []string{"base", "set", "changed", "base"} {
		steps, _ := r.apply(programs[name], deploy.Deploy)
		if before != "nothing" {
			r.mentions("from "+before+" to "+name, steps, properties)
		}
		if again, calls := r.apply(programs[name], deploy.Deploy); writes(calls) != nil {
			r.Errorf("%s, after %s, is not settled: %q", name, before, said(again))
		}
		before = name
	}
	plan, err := r.plan(programs["changed"], deploy.Deploy)
	if err != nil {
		r.Fatal(err)
	}
	r.wire.take()
	r.mentions("what was unset", plan.Steps(), properties)
}

// mentions checks that a plan has a change of each property.
func (r *trial) mentions(when string, steps []deploy.Planned, properties map[string][]string) {
	r.Helper()
	said := strings.Join(said(steps), "\n")
	for typ, names := range properties {
		for _, name := range names {
			name, one := strings.CutSuffix(name, "*")
			if one && when == "from set to changed" {
				continue
			}
			if !regexp.MustCompile(`(: |; )` + name + `\b`).MatchString(said) {
				r.Errorf("%s: no change of %s of %s in the plan:\n%s", when, name, typ, said)
			}
		}
	}
}

// outfit makes what scripts name and no script makes.
func outfit(t *testing.T, cfg aws.Config) {
	t.Helper()
	shared.outfit.Lock()
	defer shared.outfit.Unlock()
	if shared.outfitted[*cfg.BaseEndpoint] {
		return
	}
	ctx := context.Background()
	for range 2 {
		if _, err := lambda.NewFromConfig(cfg).PublishLayerVersion(ctx, &lambda.PublishLayerVersionInput{LayerName: aws.String("types-layer"),
			Content: &types.LayerVersionContentInput{ZipFile: layer(t)}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := iam.NewFromConfig(cfg).CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("types-user")}); err != nil {
		t.Fatal(err)
	}
	shared.outfitted[*cfg.BaseEndpoint] = true
}

// layer is a zip file with one file.
func layer(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if _, err := w.Create("layer.txt"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
