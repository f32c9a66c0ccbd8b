// Package truth checks the embedded cloud against AWS rule by rule, with clients that nobody here wrote, and keeps
// docs/truth.md: the table of all rules with where each comes from, which client checked it, and how it went.
//
//	go test ./e2e/truth            checks every rule, and that the table is the one in docs
//	go test ./e2e/truth -update    rewrites the table
//
// A test function is a section of the table. It sets up what its rules share and calls [rule], [choice] or [difference]
// for each, which run it as a parallel subtest.
package truth

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"quotewire/e2e/rig"
)

var update = flag.Bool("update", false, "rewrite docs/truth.md")

// What TestMain has built.
var (
	binary   string // quotewire
	probeZip []byte // the probe, as Lambda takes it
)

// table is where the rules are kept.
const table = "../../docs/truth.md"

func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == flag.Lookup("test.parallel").DefValue {
		flag.Set("test.parallel", "12") // rules wait for events far more than they compute
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "quotewire-truth-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if binary, err = rig.Build(dir, "quotewire/cmd/quotewire"); err == nil {
		probeZip, err = buildProbe(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer stopShared()
	defer stopDrivers()
	status := m.Run()
	if status != 0 || flag.Lookup("test.run").Value.String() != "" || flag.Lookup("test.skip").Value.String() != "" ||
		flag.Lookup("test.list").Value.String() != "" {
		return status
	}
	return book.compare(filepath.FromSlash(table))
}
