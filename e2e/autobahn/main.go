// Command autobahn runs the Autobahn test suite, the conformance suite of RFC 6455, against WebSocket APIs of the
// embedded cloud: every case that AWS's own rules do not forbid must pass. scripts/autobahn installs the suite and
// starts this program.
//
// Against a cloud whose limits on frames and messages are raised, each must do what RFC 6455 wants. Against a cloud with
// AWS's limits, the cases with larger or with binary messages must be closed with the code of that rule.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"quotewire/e2e/rig"
)

// Every message of the suite fits into these; the largest have 16 MB. Its cases expect one echo after the other, which
// API Gateway does not promise unless a message waits for the one before it.
var raised = []string{
	"--limit", "apigateway.max-frame=16777216", "--limit", "apigateway.max-message=16777216",
	"--limit", "apigateway.concurrent-messages=1",
}

// violations are cases that expect to be served, and break a rule of AWS's instead.
var violations = []struct {
	rule     string
	code     int
	patterns []string
}{
	{"a frame of more than 32 KB, or a message of more than 128 KB", 1009, []string{"9.1.*", "9.3.*", "9.5.*"}},
	{"a binary message", 1003, []string{"1.2.*", "9.2.*", "9.4.*", "9.6.*", "9.8.*"}},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	python := flag.String("python", "", "the Python 2.7 `FILE` that has the suite")
	doc := flag.String("doc", "", "write the results to this Markdown `FILE`")
	flag.Usage = func() {
		fmt.Fprint(os.Stderr, "Usage: scripts/autobahn [--doc FILE] [CASE…]\n\nRuns the cases that match the patterns, such as 6.* or 7.1.6; without one, all.\n")
	}
	flag.Parse()
	failed, err := run(ctx, &suite{python: *python}, *doc, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "autobahn:", err)
		os.Exit(1)
	}
	if failed > 0 {
		os.Exit(1)
	}
}

// run returns how many cases failed.
func run(ctx context.Context, s *suite, doc string, patterns []string) (failed int, err error) {
	dir, err := os.MkdirTemp("", "quotewire-autobahn-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	s.dir = dir
	excluded, err := readExcluded(filepath.Join(rig.Root(), "e2e", "autobahn", "excluded.txt"))
	if err != nil {
		return 0, err
	}
	if len(patterns) == 0 {
		patterns = []string{"*"}
	}
	every, err := s.cases(ctx, patterns, nil)
	if err != nil {
		return 0, err
	}
	applicable, err := s.cases(ctx, patterns, excluded.patterns())
	if err != nil {
		return 0, err
	}
	var breaking []string
	code := map[string]int{}
	for _, v := range violations {
		ids, err := s.cases(ctx, v.patterns, nil)
		if err != nil {
			return 0, err
		}
		for _, id := range both(every, ids) {
			breaking = append(breaking, id)
			code[id] = v.code
		}
	}
	binary, err := rig.Build(dir, "quotewire/cmd/quotewire")
	if err != nil {
		return 0, err
	}

	conformance, err := against(ctx, s, binary, applicable, raised)
	if err != nil {
		return 0, err
	}
	broken, err := against(ctx, s, binary, breaking, []string{"--limit", "apigateway.concurrent-messages=1"})
	if err != nil {
		return 0, err
	}
	for _, r := range conformance {
		if !r.passed() {
			failed++
			fmt.Printf("FAIL %s\n", r)
		}
	}
	for _, r := range broken {
		if r.RemoteCloseCode != code[r.ID] {
			failed++
			fmt.Printf("FAIL %s: closed with %d, want %d, which AWS's rule has for it\n", r.ID, r.RemoteCloseCode, code[r.ID])
		}
	}
	fmt.Printf("Autobahn: %d of %d cases apply, %d passed; %d break a rule of AWS's, %d were closed with its code; %d failed\n",
		len(applicable), len(every), count(conformance, result.passed),
		len(broken), count(broken, func(r result) bool { return r.RemoteCloseCode == code[r.ID] }), failed)
	if doc != "" {
		return failed, writeDoc(doc, every, conformance, broken, excluded)
	}
	return failed, nil
}

// against runs cases against an echo API of a cloud with the given flags.
func against(ctx context.Context, s *suite, binary string, cases, flags []string) ([]result, error) {
	if len(cases) == 0 {
		return nil, nil
	}
	state, err := os.MkdirTemp(s.dir, "state-")
	if err != nil {
		return nil, err
	}
	p, err := rig.Launch(binary, state, s.dir, "cloud", flags...)
	if err != nil {
		return nil, err
	}
	defer p.Kill()
	backend := echoServer()
	defer backend.Close()
	url, err := echoAPI(ctx, p, backend.URL)
	if err != nil {
		return nil, fmt.Errorf("the echo API: %w", err)
	}
	results, err := s.run(ctx, url, cases)
	if err != nil {
		return nil, fmt.Errorf("%w\nthe cloud said:\n%s", err, p.Log)
	}
	return results, nil
}

// both returns what is in a and in b.
func both(a, b []string) (both []string) {
	in := map[string]bool{}
	for _, id := range b {
		in[id] = true
	}
	for _, id := range a {
		if in[id] {
			both = append(both, id)
		}
	}
	return both
}

func count(results []result, is func(result) bool) (n int) {
	for _, r := range results {
		if is(r) {
			n++
		}
	}
	return n
}

// exclusion is a group of cases that does not apply, and the rule that says so.
type exclusion struct{ pattern, rule string }

type exclusions []exclusion

func readExcluded(file string) (all exclusions, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		pattern, rule, ok := strings.Cut(line, " ")
		if !ok {
			return nil, fmt.Errorf("%s: %q has no rule", file, line)
		}
		all = append(all, exclusion{pattern, strings.TrimSpace(rule)})
	}
	return all, nil
}

func (all exclusions) patterns() (patterns []string) {
	for _, e := range all {
		patterns = append(patterns, e.pattern)
	}
	return patterns
}
