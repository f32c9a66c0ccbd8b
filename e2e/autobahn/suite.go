package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// suite is the installed Autobahn test suite.
type suite struct {
	python string
	dir    string // for its reports
}

// processes is how many of the suite's clients run at once: many cases wait for a second and do nothing else.
const processes = 4

// suiteTimeout bounds the run of all cases.
const suiteTimeout = 10 * time.Minute

// specification is what the suite's fuzzing client is told.
type specification struct {
	Servers []server `json:"servers"`
	OutDir  string   `json:"outdir"`
	Cases   []string `json:"cases"`
	Exclude []string `json:"exclude-cases,omitempty"`
}

type server struct {
	Agent string `json:"agent"`
	URL   string `json:"url"`
}

const agent = "quotewire"

// cases returns the ids of the cases that match a pattern and no excluded one, in their order.
func (s *suite) cases(ctx context.Context, patterns, excluded []string) ([]string, error) {
	const program = `import json, sys
from autobahntestsuite.fuzzing import CaseSet, CaseSetname, CaseBasename, Cases, CaseCategories, CaseSubCategories
cases = CaseSet(CaseSetname, CaseBasename, Cases, CaseCategories, CaseSubCategories)
print json.dumps(cases.parseSpecCases(json.load(sys.stdin)))`
	spec, err := json.Marshal(specification{Cases: patterns, Exclude: excluded})
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, s.python, "-c", program)
	cmd.Stdin = strings.NewReader(string(spec))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("the suite does not say its cases: %w\n%s", err, &stderr)
	}
	var ids []string
	return ids, json.Unmarshal(out, &ids)
}

// result is the outcome of one case.
type result struct {
	ID              string
	Behavior        string `json:"behavior"`
	BehaviorClose   string `json:"behaviorClose"`
	RemoteCloseCode int    `json:"remoteCloseCode"`
	ReportFile      string `json:"reportfile"`
	detail          detail
}

// detail is what the suite says of one case.
type detail struct {
	Description string `json:"description"`
	Expectation string `json:"expectation"`
	Result      string `json:"result"`
	ResultClose string `json:"resultClose"`
}

// passed reports whether the case went as RFC 6455 wants. What the suite calls non-strict is allowed by the RFC, only
// later than could be; what it calls informational has no wrong outcome.
func (r result) passed() bool {
	switch r.Behavior {
	case "OK", "NON-STRICT", "INFORMATIONAL":
	default:
		return false
	}
	return r.BehaviorClose == "OK" || r.BehaviorClose == "INFORMATIONAL"
}

// String is the line of a case that failed.
func (r result) String() string {
	return fmt.Sprintf("%s: %s, close %s (%d): %s Expected: %s Got: %v. %s", r.ID, r.Behavior, r.BehaviorClose, r.RemoteCloseCode,
		plain(r.detail.Description), plain(r.detail.Expectation), r.detail.Result, r.detail.ResultClose)
}

// plain is a text of the suite without its HTML, on one line.
func plain(html string) string {
	var b strings.Builder
	for text := range strings.SplitSeq(html, "<") {
		if _, after, ok := strings.Cut(text, ">"); ok {
			text = " " + after
		}
		b.WriteString(text)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// run runs cases against the API at url, and returns their outcomes in the order of the cases.
func (s *suite) run(ctx context.Context, url string, cases []string) ([]result, error) {
	ctx, cancel := context.WithTimeout(ctx, suiteTimeout)
	defer cancel()
	var (
		group   sync.WaitGroup
		mu      sync.Mutex // protects following
		results []result
		failure error
	)
	for i := range processes {
		var share []string
		for j := i; j < len(cases); j += processes {
			share = append(share, cases[j])
		}
		if len(share) == 0 {
			break
		}
		group.Go(func() {
			some, err := s.client(ctx, url, share)
			mu.Lock()
			defer mu.Unlock()
			results = append(results, some...)
			if err != nil {
				failure = err
			}
		})
	}
	group.Wait()
	if failure != nil {
		return nil, failure
	}
	if len(results) != len(cases) {
		return nil, fmt.Errorf("the suite reports %d cases of %d", len(results), len(cases))
	}
	slices.SortFunc(results, func(a, b result) int { return compare(a.ID, b.ID) })
	return results, nil
}

// client runs one fuzzing client of the suite.
func (s *suite) client(ctx context.Context, url string, cases []string) ([]result, error) {
	dir, err := os.MkdirTemp(s.dir, "client-")
	if err != nil {
		return nil, err
	}
	spec, err := json.Marshal(specification{
		Servers: []server{{Agent: agent, URL: url}}, OutDir: filepath.Join(dir, "reports"), Cases: cases,
	})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "spec.json")
	if err := os.WriteFile(file, spec, 0o600); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, s.python, "-m", "autobahntestsuite.wstest", "-m", "fuzzingclient", "-s", file)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("the suite's client: %w\n%s", err, out)
	}
	var index map[string]map[string]result
	if err := readJSON(filepath.Join(dir, "reports", "index.json"), &index); err != nil {
		return nil, fmt.Errorf("the suite's report: %w", err)
	}
	var results []result
	for id, r := range index[agent] {
		r.ID = id
		if err := readJSON(filepath.Join(dir, "reports", r.ReportFile), &r.detail); err != nil {
			return nil, fmt.Errorf("the suite's report of case %s: %w", id, err)
		}
		results = append(results, r)
	}
	return results, nil
}

func readJSON(file string, v any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// compare orders the ids of cases by their numbers: 9.2 comes before 10.1.
func compare(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(a, b string) int {
		m, _ := strconv.Atoi(a)
		n, _ := strconv.Atoi(b)
		return m - n
	})
}
