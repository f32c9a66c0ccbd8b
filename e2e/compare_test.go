package e2e

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"quotewire/e2e/rig"
)

var update = flag.Bool("update", false, "rewrite docs/moto.md")

// The control planes are judged by two that nobody here wrote: botocore's models of AWS's services, and moto, whose
// answers to the same calls are compared with this cloud's. compare/compare.py does both; what may differ, and why, is
// in compare/verdicts.txt.
func TestControlPlanesComparedWithMoto(t *testing.T) {
	t.Parallel()
	rig.Need(t, "python3")
	if exec.Command("python3", "-c", "import boto3, moto.server").Run() != nil {
		t.Skip("the Python packages boto3 and moto[server] are not installed: run scripts/test")
	}
	p := start(t, t.TempDir(), "cloud")
	page := filepath.Join(rig.Root(), "docs", "moto.md")
	report := filepath.Join(t.TempDir(), "moto.md")
	if *update {
		report = page
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*rig.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "python3", "compare.py", p.Endpoints.Cloud, "verdicts.txt", report)
	cmd.Dir, cmd.Env = "compare", append(p.Env(), "PYTHONDONTWRITEBYTECODE=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compare.py: %v\n%s", err, out)
	}
	got, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(page)
	if err != nil || string(got) != string(want) {
		t.Errorf("docs/moto.md no longer says what was found: run go test ./e2e -run %s -update", t.Name())
	}
}
