package e2e

import (
	"os/exec"
	"strings"
	"testing"
)

// The arrows between packages go one way: the deployer and the cloud meet only on the wire, the language knows neither,
// and the domain knows no technology.
func TestArrowsBetweenPackages(t *testing.T) {
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Deps " "}}`, "quotewire/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	forbidden := map[string][]string{ // importer → what neither it nor what it imports may import
		"quotewire/dply":   {"quotewire/deploy", "quotewire/cloud", "github.com/"},
		"quotewire/deploy": {"quotewire/cloud", "quotewire/quotes"},
		"quotewire/cloud":  {"quotewire/deploy", "quotewire/dply", "quotewire/quotes", "github.com/aws/"},
		"quotewire/lambda": {"quotewire/cloud", "quotewire/deploy", "github.com/nats-io/"},
		"quotewire/feed":   {"quotewire/cloud", "quotewire/deploy"},
	}
	for line := range strings.Lines(string(out)) {
		pkg, deps, _ := strings.Cut(strings.TrimSpace(line), " ")
		for importer, banned := range forbidden {
			if pkg != importer && !strings.HasPrefix(pkg, importer+"/") {
				continue
			}
			for _, dep := range strings.Fields(deps) {
				for _, b := range banned {
					if strings.HasPrefix(dep, b) {
						t.Errorf("%s imports %s", pkg, dep)
					}
				}
			}
		}
		if pkg == "quotewire/quotes" && strings.Contains(deps, "net/http") {
			t.Errorf("the domain knows HTTP")
		}
	}
}
