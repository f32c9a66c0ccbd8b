package main

import (
	"fmt"
	"os"
	"strings"
)

// groups are the titles of the suite's groups of cases.
var groups = map[string]string{
	"1": "Framing", "2": "Pings and pongs", "3": "Reserved bits", "4": "Opcodes", "5": "Fragmentation", "6": "UTF-8",
	"7": "Closing handshake", "9": "Limits and performance", "10": "Automatic fragmentation",
	"12": "permessage-deflate", "13": "permessage-deflate with parameters",
}

// writeDoc writes what was run and how it went. The same outcomes give the same text.
func writeDoc(file string, every []string, conformance, broken []result, excluded exclusions) error {
	var b strings.Builder
	b.WriteString(`# The Autobahn test suite

Written by ` + "`./scripts/autobahn --doc docs/autobahn.md`" + `, which runs the fuzzing client of the Autobahn test suite (autobahntestsuite
25.10.1) against a WebSocket API whose one route is two-way and sends each message back, by an HTTP_PROXY integration
with an echo server. A case has passed with the suite's verdict OK, NON-STRICT (allowed, but later than could be) or
INFORMATIONAL (no outcome is wrong). The suite sends up to 16 MB and expects one echo after the other, so these limits
are changed:

    ` + strings.ReplaceAll(strings.Join(raised, " "), " --", "\n    --") + `

| group | | cases | excluded | OK | non-strict | informational | failed |
| --- | --- | --- | --- | --- | --- | --- | --- |
`)
	type row struct{ cases, ok, nonStrict, informational, failed, run int }
	rows, order := map[string]*row{}, []string{}
	for _, id := range every {
		g := group(id)
		if rows[g] == nil {
			rows[g] = &row{}
			order = append(order, g)
		}
		rows[g].cases++
	}
	total := row{}
	for _, r := range conformance {
		for _, row := range []*row{rows[group(r.ID)], &total} {
			row.run++
			switch {
			case !r.passed():
				row.failed++
			case r.Behavior == "OK":
				row.ok++
			case r.Behavior == "NON-STRICT":
				row.nonStrict++
			default:
				row.informational++
			}
		}
	}
	for _, g := range order {
		r := rows[g]
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d | %d | %d |\n", g, groups[g], r.cases, r.cases-r.run, r.ok, r.nonStrict, r.informational, r.failed)
	}
	fmt.Fprintf(&b, "| all | | %d | %d | %d | %d | %d | %d |\n", len(every), len(every)-total.run, total.ok, total.nonStrict, total.informational, total.failed)

	b.WriteString("\n## Excluded cases\n\nAWS's own rules forbid them (`e2e/autobahn/excluded.txt`).\n\n| cases | rule |\n| --- | --- |\n")
	for _, e := range excluded {
		fmt.Fprintf(&b, "| %s | %s |\n", e.pattern, e.rule)
	}
	b.WriteString("\n## With AWS's limits\n\nThese cases expect to be served, and break a rule instead. A cloud with AWS's limits closes them with the rule's code.\n\n" +
		"| what they send | cases | closed with | of |\n| --- | --- | --- | --- |\n")
	for _, v := range violations {
		n, closed := 0, 0
		for _, r := range broken {
			for _, pattern := range v.patterns {
				if strings.HasPrefix(r.ID, strings.TrimSuffix(pattern, "*")) {
					n++
					if r.RemoteCloseCode == v.code {
						closed++
					}
				}
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %d: %d | %d |\n", v.rule, strings.Join(v.patterns, ", "), v.code, closed, n)
	}
	return os.WriteFile(file, []byte(b.String()), 0o644)
}

func group(id string) string {
	g, _, _ := strings.Cut(id, ".")
	return g
}
