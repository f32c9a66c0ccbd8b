package truth

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Clients of the table. Nobody here wrote any of them but the raw sockets, which send what no client can be made to send.
const (
	awsCLI     = "AWS CLI"
	boto3      = "boto3"
	jsSDK      = "JavaScript SDK"
	goSDK      = "Go SDK"
	stockWS    = "WebSocket client"
	httpClient = "HTTP client"
	browser    = "Chromium"
	rawSocket  = "raw socket"
)

// entry is a line of the table.
type entry struct {
	name, source, client string
	note                 string // "" for a rule of AWS's that holds
	passed, skipped      bool
}

// rules is the table in the making.
type rules struct {
	mu       sync.Mutex // protects following
	sections map[string][]*entry
	names    map[string]bool
}

var book = rules{sections: map[string][]*entry{}, names: map[string]bool{}}

// rule registers one rule and checks it as a subtest. Its name is the sentence in the table, its source a section of the
// specification such as "WebSocket §7", of an RFC, or the title of a page of AWS's documentation.
func rule(t *testing.T, name, source, client string, f func(t *testing.T)) {
	t.Helper()
	check(t, &entry{name: name, source: source, client: client}, f)
}

// choice is [rule] for what AWS does not document and nobody has recorded: the table says that this is our choice.
func choice(t *testing.T, name, source, client string, f func(t *testing.T)) {
	t.Helper()
	check(t, &entry{name: name, source: source, client: client, note: "chosen: AWS's behaviour is not documented"}, f)
}

// difference is [rule] for what this cloud does otherwise than AWS, and why. f checks what it does.
func difference(t *testing.T, name, source, client, why string, f func(t *testing.T)) {
	t.Helper()
	check(t, &entry{name: name, source: source, client: client, note: "known difference: " + why}, f)
}

func check(t *testing.T, e *entry, f func(t *testing.T)) {
	t.Helper()
	section, _, _ := strings.Cut(t.Name(), "/")
	if !book.add(section, e) {
		t.Errorf("two rules have the name %q", e.name)
		return
	}
	t.Run(e.name, func(t *testing.T) {
		t.Cleanup(func() { e.passed, e.skipped = !t.Failed(), t.Skipped() }) // the first, so it runs last
		t.Parallel()
		f(t)
	})
}

func (b *rules) add(section string, e *entry) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.names[e.name] {
		return false
	}
	b.names[e.name] = true
	b.sections[section] = append(b.sections[section], e)
	return true
}

// compare holds the table in the file against the rules that have run, or rewrites it. It returns the exit status.
func (b *rules) compare(file string) int {
	want, missing := b.table()
	if missing > 0 {
		fmt.Printf("truth: %d rules were skipped, as a client is not installed; the table is not looked at\n", missing)
		return 0
	}
	have, err := os.ReadFile(file)
	switch {
	case *update:
		err = os.WriteFile(file, want, 0o644)
	case err == nil && !bytes.Equal(have, want):
		err = fmt.Errorf("%s is not what the tests have checked; go test ./e2e/truth -update rewrites it", file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "truth:", err)
		return 1
	}
	return 0
}

func (b *rules) table() (text []byte, skipped int) {
	var rows bytes.Buffer
	count, chosen, different := 0, 0, 0
	for _, section := range sortedKeys(b.sections) {
		fmt.Fprintf(&rows, "\n## %s\n\n| rule | source | checked with | result |\n| --- | --- | --- | --- |\n", title(section))
		entries := slices.SortedFunc(slices.Values(b.sections[section]), func(a, b *entry) int {
			return cmp.Or(strings.Compare(a.source, b.source), strings.Compare(a.name, b.name)) // tests may go through maps
		})
		for _, e := range entries {
			result := "pass"
			switch {
			case e.skipped:
				skipped++
			case strings.HasPrefix(e.note, "chosen"):
				chosen++
				result = "pass; " + e.note
			case e.note != "":
				different++
				result = e.note
			}
			count++
			fmt.Fprintf(&rows, "| %s | %s | %s | %s |\n", cell(e.name), cell(e.source), cell(e.client), cell(result))
		}
	}
	var all bytes.Buffer
	fmt.Fprintf(&all, `# The embedded cloud, rule by rule

%d rules, each checked by a test in `+"`e2e/truth`"+` that drives a running `+"`quotewire cloud`"+` with the client named:
%d hold as AWS documents or shows them, %d are our choice where AWS's behaviour is not documented (always what is least
kind to a program that would fail on AWS), %d are known differences.

`+"`go test ./e2e/truth -update`"+` writes this page; `+"`./scripts/test`"+` fails when it is not what the tests have checked. The
sources WebSocket, HTTP, Control plane, Lambda, IAM and Services with a number are the sections of Quotewire's notes on
AWS's protocols, which name AWS's documentation, its service models and recordings; other sources are RFCs and titles of
pages of AWS's documentation.
`, count, count-chosen-different, chosen, different)
	return append(all.Bytes(), rows.Bytes()...), skipped
}

// words cuts a test's name into words. Names and acronyms come first; they keep their capitals.
var words = regexp.MustCompile(`WebSocket|DynamoDB|CloudWatch|Lambda|HTTP|APIs|API|JWT|IAM|STS|S3|EC2|CORS|URLs|RFC6455|[A-Z][a-z]+|.`)

// title makes a heading of a test's name: TestWebSocketHandshake is "WebSocket handshake".
func title(test string) string {
	all := words.FindAllString(strings.TrimPrefix(test, "Test"), -1)
	for i, word := range all {
		if i > 0 && word != "Lambda" && ordinary.MatchString(word) {
			all[i] = strings.ToLower(word)
		}
	}
	return strings.NewReplacer("RFC6455", "RFC 6455", "CloudWatch logs", "CloudWatch Logs").Replace(strings.Join(all, " "))
}

// ordinary words are written in lower case where they do not begin a heading.
var ordinary = regexp.MustCompile(`^[A-Z][a-z]+$`)

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func TestTitle(t *testing.T) {
	for test, want := range map[string]string{
		"TestWebSocketHandshake": "WebSocket handshake", "TestHTTPEvents": "HTTP events", "TestIAMPolicyEvaluation": "IAM policy evaluation",
		"TestDynamoDBExpressions": "DynamoDB expressions", "TestRFC6455Frames": "RFC 6455 frames",
		"TestControlPlaneOfWebSocketAPIs": "Control plane of WebSocket APIs", "TestHTTPCORS": "HTTP CORS", "TestLambdaFunctionURLs": "Lambda function URLs", "TestCloudWatchLogs": "CloudWatch Logs",
	} {
		if got := title(test); got != want {
			t.Errorf("%s: got %q, want %q", test, got, want)
		}
	}
}
