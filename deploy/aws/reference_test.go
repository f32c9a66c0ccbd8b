package aws

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"quotewire/dply/schema"
)

var update = flag.Bool("update", false, "rewrite docs/types.md")

func TestReferenceIsWhatTheCatalogSays(t *testing.T) {
	t.Parallel()
	const page = "../../docs/types.md"
	want := schema.Reference(Catalog())
	if *update {
		if err := os.WriteFile(page, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(page); err != nil || !bytes.Equal(have, want) {
		t.Errorf("docs/types.md differs from the catalog (%v); run this test with -update", err)
	}
}

// A property without a word of documentation would show as a bare name in the editor and on the page.
func TestEverythingInTheCatalogIsDocumented(t *testing.T) {
	t.Parallel()
	c := Catalog()
	var walk func(path string, props []schema.Property)
	walk = func(path string, props []schema.Property) {
		for _, p := range props {
			if !strings.HasSuffix(p.Doc, ".") || len(p.Kinds) == 0 {
				t.Errorf("%s %s has no sentence of documentation, or no kind", path, p.Name)
			}
			walk(path+" "+p.Name, p.Entries)
		}
	}
	for _, list := range [][]*schema.Type{c.Types, c.Verbs, c.Readers} {
		for _, typ := range list {
			if typ.Doc == "" {
				t.Errorf("%s has no documentation", typ.Name)
			}
			for _, m := range typ.Members {
				if m.Doc == "" || m.Kind == "" {
					t.Errorf("%s->%s has no documentation, or no kind", typ.Name, m.Name)
				}
			}
			walk(typ.Name, typ.Properties)
			walk(typ.Name, typ.FindBy)
		}
	}
}
