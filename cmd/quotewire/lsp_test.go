package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// editor drives `quotewire lsp` as an editor does: a process, and messages on its standard input and output.
type editor struct {
	t    *testing.T
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	last int
	// diagnosed has the newest diagnostics of each document.
	diagnosed map[string][]map[string]any
}

const uri = "file:///work/prices.dply"

func newEditor(t *testing.T) *editor {
	t.Helper()
	e := &editor{t: t, cmd: exec.Command("quotewire", "lsp", "--stdio"), diagnosed: map[string][]map[string]any{}}
	var err error
	if e.in, err = e.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	e.out = bufio.NewReader(out)
	if err := e.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.cmd.Process.Kill(); e.cmd.Wait() })
	e.ask("initialize", map[string]any{"capabilities": map[string]any{}})
	e.tell("initialized", map[string]any{})
	return e
}

func (e *editor) send(m map[string]any) {
	e.t.Helper()
	m["jsonrpc"] = "2.0"
	body, err := json.Marshal(m)
	if err != nil {
		e.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(e.in, "Content-Length: %d\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n%s", len(body), body); err != nil {
		e.t.Fatal(err)
	}
}

func (e *editor) tell(method string, params any) {
	e.t.Helper()
	e.send(map[string]any{"method": method, "params": params})
}

// try asks and returns the whole answer; notifications that come before it are kept.
func (e *editor) try(method string, params any) map[string]any {
	e.t.Helper()
	e.last++
	e.send(map[string]any{"id": e.last, "method": method, "params": params})
	for {
		m := e.receive()
		if m["id"] == float64(e.last) {
			return m
		}
	}
}

func (e *editor) receive() map[string]any {
	e.t.Helper()
	length := 0
	for {
		line, err := e.out.ReadString('\n')
		if err != nil {
			e.t.Fatal(err)
		}
		if line == "\r\n" {
			break
		}
		if n, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(n))
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(e.out, body); err != nil {
		e.t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		e.t.Fatalf("%s: %v", body, err)
	}
	if m["method"] == "textDocument/publishDiagnostics" {
		p := m["params"].(map[string]any)
		var list []map[string]any
		for _, d := range p["diagnostics"].([]any) {
			list = append(list, d.(map[string]any))
		}
		e.diagnosed[p["uri"].(string)] = list
	}
	return m
}

func (e *editor) ask(method string, params any) any {
	e.t.Helper()
	m := e.try(method, params)
	if m["error"] != nil {
		e.t.Fatalf("%s: %v", method, m["error"])
	}
	return m["result"]
}

// open shows a text, in which | is where the cursor is, and returns that place.
func (e *editor) open(text string) map[string]any {
	e.t.Helper()
	before, after, _ := strings.Cut(text, "|")
	delete(e.diagnosed, uri)
	e.tell("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": uri, "languageId": "dply", "version": 1, "text": before + after}})
	for e.diagnosed[uri] == nil {
		if e.receive()["method"] == "textDocument/publishDiagnostics" {
			break
		}
	}
	line := strings.Count(before, "\n")
	return at(line, len(before)-strings.LastIndexByte(before, '\n')-1)
}

func at(line, character int) map[string]any {
	return map[string]any{"textDocument": map[string]any{"uri": uri}, "position": map[string]any{"line": line, "character": character}}
}

// codes are the diagnostics of the document: code, and line:character of their start, from 0.
func (e *editor) codes() []string {
	list := []string{}
	for _, d := range e.diagnosed[uri] {
		r := d["range"].(map[string]any)["start"].(map[string]any)
		list = append(list, fmt.Sprintf("%s %v:%v", d["code"], r["line"], r["character"]))
	}
	return list
}

const prices = `Prices.

    target prices
        ensure aws.S3.Bucket "prices-code" => code
            @teardown preserve
        find aws.VPC.VPC "net" => net
        lambda.function "watch" => watch
            @teardown delete
            Runtime <- "go"
            Code <= aws.S3.Location
                Bucket <- code
                Key <- "watch.zip"
            Role <= aws.IAM.WithRole "watch-role"
                assume
                    allow "sts:AssumeRole"
                        principal aws.principal.Service "lambda.amazonaws.com"
                policy
                    allow "logs:*" (code->allResources)
        api.gatewayV2 "feed"
            @teardown delete
            Protocol <- "websocket"
            RouteSelectionExpression <- "$request.body.action"
            integration "watch"
                Type <- "AWS_PROXY"
                Uri <- watch
            route "$connect" "watch"
            route "$default" "watch"
            stage "live"
`

// cursor puts the cursor behind the first appearance of a text in prices, after what else replaces in it.
func cursor(t *testing.T, behind string, replace ...string) string {
	t.Helper()
	text := strings.NewReplacer(replace...).Replace(prices)
	i := strings.Index(text, behind)
	if i < 0 {
		t.Fatalf("no %q in the script", behind)
	}
	return text[:i+len(behind)] + "|" + text[i+len(behind):]
}

func TestEditorIsToldOfMistakesAndWarnings(t *testing.T) {
	t.Parallel()
	e := newEditor(t)
	e.open(prices)
	if got := e.codes(); len(got) != 0 {
		t.Errorf("a good script has %v", got)
	}
	e.tell("textDocument/didChange", map[string]any{"textDocument": map[string]any{"uri": uri, "version": 2},
		"contentChanges": []any{map[string]any{"text": "    target 𝔱\n        show \"𝔱𝔱\" nett\n        ensur aws.S3.Bucket \"x\"\n"}}})
	e.ask("textDocument/documentSymbol", at(0, 0)) // answered after the change
	if got, want := e.codes(), []string{"E29 1:20", "E27 2:8"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v: a letter beyond the basic plane is two units", got, want)
	}
	e.open("    target t\n        policy => p\n            allow \"s3:GetObject\"\n")
	if got, want := e.codes(), []string{"W01 2:12"}; !reflect.DeepEqual(got, want) || e.diagnosed[uri][0]["severity"] != 2.0 {
		t.Errorf("got %v, want %v", e.diagnosed[uri], want)
	}
	e.tell("textDocument/didClose", map[string]any{"textDocument": map[string]any{"uri": uri}})
	m := e.try("textDocument/hover", at(0, 0))
	if m["error"] == nil || len(e.codes()) != 0 {
		t.Errorf("a closed document still answers %v, and has %v", m, e.codes())
	}
}

func TestEditorIsOfferedWhatFits(t *testing.T) {
	t.Parallel()
	e := newEditor(t)
	for name, tc := range map[string]struct {
		text  string
		want  []string // among others
		never []string
	}{
		"target":            {"    |\n", []string{"target"}, []string{"ensure"}},
		"verbs":             {"    target t\n        |\n", []string{"ensure", "find", "lambda.function", "api.gatewayV2", "show", "coin", "cloudfront.invalidate"}, []string{"target"}},
		"types to coin":     {"    target t\n        coin |\n", []string{"aws.CloudFront.CacheBehavior"}, []string{"aws.CloudFront.Distribution"}},
		"a coin's lines":    {"    target t\n        coin aws.CloudFront.CacheBehavior \"quotes\" => quotes\n            |\n", []string{"PathPattern", "CachePolicy"}, []string{"@teardown", "Comment"}},
		"a site's lines":    {"    target t\n        cloudfront.distribution.fromS3 \"site\"\n            |\n", []string{"Bucket", "CacheBehaviors", "@teardown"}, []string{"OriginDNS"}},
		"a behavior's map":  {"    target t\n        cloudfront.distribution.fromS3 \"site\"\n            CacheBehaviors <- []\n                {}\n                    |\n", []string{"SubName", "ResponseHeaders"}, []string{"Bucket"}},
		"an invalidation":   {"    target t\n        cloudfront.invalidate \"E1\"\n            |\n", []string{"Paths"}, []string{"@teardown"}},
		"validation":        {"    target t\n        ensure aws.CertificateManager.Certificate \"example.org\"\n            ValidationProvider <- |\n", []string{`"Route53"`, `"Manual"`}, nil},
		"half a verb":       {"    target t\n        lambda.fu|\n", []string{"lambda.function"}, nil},
		"types to ensure":   {"    target t\n        ensure |\n", []string{"aws.S3.Bucket", "aws.DynamoDB.Table"}, []string{"aws.IAM.User"}},
		"types to find":     {"    target t\n        find aws.|\n", []string{"aws.ApiGatewayV2.Api", "aws.Lambda.Alias"}, nil},
		"properties":        {"    target t\n        lambda.function \"f\"\n            Runtime <- \"go\"\n            |\n", []string{"Role", "Code", "@teardown"}, []string{"Runtime", "assume"}},
		"teardown":          {"    target t\n        ensure aws.S3.Bucket \"b\"\n            @teardown |\n", []string{"delete", "preserve"}, nil},
		"half an adverb":    {"    target t\n        ensure aws.S3.Bucket \"b\"\n            @|\n", []string{"@teardown"}, nil},
		"values of a set":   {"    target t\n        lambda.function \"f\"\n            Architecture <- |\n", []string{`"arm64"`, `"x86_64"`}, nil},
		"in quotes":         {"    target t\n        lambda.function \"f\"\n            Architecture <- \"a|\n", []string{`"arm64"`}, nil},
		"readers":           {"    target t\n        lambda.function \"f\"\n            Code <= |\n", []string{"aws.S3.Location"}, []string{"aws.VPC.Config"}},
		"parts of a reader": {"    target t\n        lambda.function \"f\"\n            Code <= aws.S3.Location\n                |\n", []string{"Bucket", "Key"}, []string{"Runtime"}},
		"variables":         {cursor(t, "Bucket <- ", "Bucket <- code", "Bucket <- "), []string{"code"}, []string{"watch", "net"}},
		"arguments":         {cursor(t, "allow \"logs:*\" ", " (code->allResources)", " "), []string{"code", "net", "aws.principal.Service"}, nil},
		"members":           {cursor(t, "(code->", "(code->allResources)", "(code->)"), []string{"allResources", "arn", "name"}, []string{"subnets"}},
		"a role's lines":    {cursor(t, "aws.IAM.WithRole \"watch-role\"\n                ", "                assume", "                "), []string{"assume", "policy"}, []string{"Runtime"}},
		"a policy's lines":  {cursor(t, "policy\n                    ", "allow \"logs:*\" (code->allResources)", ""), []string{"allow", "deny"}, nil},
		"modifiers":         {cursor(t, "AssumeRole\"\n                        ", "principal aws.principal.Service \"lambda.amazonaws.com\"", ""), []string{"principal", "condition"}, nil},
		"an API's lines":    {cursor(t, "Uri <- watch\n            ", "route \"$connect\" \"watch\"", ""), []string{"integration", "route", "stage", "IpAddressType"}, []string{"Protocol"}},
		"integrations":      {cursor(t, "route \"$connect\" ", "route \"$connect\" \"watch\"", "route \"$connect\" "), []string{`"watch"`}, nil},
		"fields":            {"    target t\n        ensure aws.DynamoDB.Table \"t\"\n            Fields <= aws.DynamoFields\n                ticker |\n", []string{"string", "number"}, nil},
		"keys":              {"    target t\n        ensure aws.DynamoDB.Table \"t\"\n            Fields <= aws.DynamoFields\n                ticker string\n                    |\n", []string{"@Key"}, nil},
		"like another":      {prices + "        lambda.function \"publish\"\n            @like |\n", []string{"watch"}, []string{"code", "net"}},
		"a stage's lines":   {"    target t\n        api.gatewayV2 \"a\"\n            stage \"live\"\n                |\n", []string{"AutoDeploy"}, []string{"Protocol"}},
		"a parameter":       {"    parameter stage <- \"blue\"\n    |\n    target t\n        show 1\n", []string{"target", "parameter"}, nil},
		"values of one":     {"    parameter stage <- \"blue\"\n    parameter b <- |\n    target t\n", []string{"stage", "run.region"}, nil},
		"parameters":        {"    parameter stage <- \"blue\"\n    target t\n        lambda.function \"f\"\n            Alias <- |\n", []string{"stage", "run.account"}, nil},
		"in a template":     {"    parameter stage <- \"blue\"\n    target t\n        ensure aws.S3.Bucket `x-{st|}`\n", []string{"stage", "run.account"}, []string{"aws.S3.Bucket"}},
		"a template's text": {"    parameter stage <- \"blue\"\n    target t\n        ensure aws.S3.Bucket `x-{{st|}`\n", nil, []string{"stage"}},
		"members in one":    {prices + "        show `{code->|}`\n", []string{"allResources", "arn"}, []string{"stage"}},
		"prose":             {"Words and |\n", nil, []string{"target"}},
		"a comment":         {"    target t\n        show 1 // |\n", nil, []string{"true"}},
	} {
		result := e.ask("textDocument/completion", e.open(tc.text))
		offered := map[string]bool{}
		for _, item := range result.([]any) {
			offered[item.(map[string]any)["label"].(string)] = true
		}
		for _, want := range tc.want {
			if !offered[want] {
				t.Errorf("%s: %s is not among %v", name, want, offered)
			}
		}
		for _, never := range tc.never {
			if offered[never] {
				t.Errorf("%s: %s is offered", name, never)
			}
		}
	}
}

func TestEditorShowsDocumentation(t *testing.T) {
	t.Parallel()
	e := newEditor(t)
	for behind, want := range map[string]string{
		"lambda.fun":        "A Lambda function with its role",
		"Runt":              "provided.al2023",
		"aws.S3.Buck":       "unique in the whole world",
		"Bucket <- co":      "Bound on line 4",
		"(code->allRes":     "every object in the bucket",
		"assu":              "Who may take the role",
		"aws.principal.Ser": `"Service"`,
		"@tear":             "quotewire destroy",
		"Typ":               "How requests are handed on",
		"    rou":           "which integration",
	} {
		h, ok := e.ask("textDocument/hover", e.open(cursor(t, behind))).(map[string]any)
		if !ok {
			t.Errorf("nothing is shown at %q", behind)
			continue
		}
		if text := h["contents"].(map[string]any)["value"].(string); !strings.Contains(text, want) {
			t.Errorf("at %q: %q, want %q", behind, text, want)
		}
	}
	if h := e.ask("textDocument/hover", e.open(cursor(t, "Price"))); h != nil {
		t.Errorf("prose has documentation: %v", h)
	}
}

func TestEditorFindsAndRenamesNames(t *testing.T) {
	t.Parallel()
	e := newEditor(t)
	def := e.ask("textDocument/definition", e.open(cursor(t, "(co"))).(map[string]any)
	if got := fmt.Sprint(def["range"]); got != "map[end:map[character:50 line:3] start:map[character:46 line:3]]" {
		t.Errorf("code is defined at %s", got)
	}
	place := e.open(cursor(t, "(co"))
	place["newName"] = "zips"
	edits := e.ask("textDocument/rename", place).(map[string]any)["changes"].(map[string]any)[uri].([]any)
	if got := apply(prices, edits); got != strings.NewReplacer("=> code", "=> zips", "<- code", "<- zips", "(code", "(zips").Replace(prices) {
		t.Errorf("renamed to\n%s", got)
	}
	place = e.open(cursor(t, `route "$connect" "wat`))
	place["newName"] = "hear"
	edits = e.ask("textDocument/rename", place).(map[string]any)["changes"].(map[string]any)[uri].([]any)
	if got := apply(prices, edits); got != strings.NewReplacer(`integration "watch"`, `integration "hear"`, `" "watch"`, `" "hear"`).Replace(prices) {
		t.Errorf("renamed to\n%s", got)
	}
	for name, word := range map[string]string{"net": "net", "true": "true", "a-b": "a-b", "": ""} {
		place := e.open(cursor(t, "(co"))
		place["newName"] = word
		if m := e.try("textDocument/rename", place); m["error"] == nil {
			t.Errorf("a variable can be renamed to %q", name)
		}
	}
	if e.ask("textDocument/prepareRename", e.open(cursor(t, "Runt"))) != nil {
		t.Error("a property can be renamed")
	}
}

const staged = `Which copy it is.

    parameter stage <- "blue"
    parameter table <- ` + "`{stage}-prices`" + `

    target t
        ensure aws.S3.Bucket ` + "`{stage}-code`" + ` => code
            @teardown delete
        show stage ` + "`{{stage}} {code->arn}`" + `
`

func TestEditorKnowsParameters(t *testing.T) {
	t.Parallel()
	e := newEditor(t)
	at := func(behind string) map[string]any {
		i := strings.Index(staged, behind) + len(behind)
		return e.open(staged[:i] + "|" + staged[i:])
	}
	for behind, want := range map[string]string{"show sta": "Which copy it is.", "`{sta": "parameter stage <-", "{{stage}} {co": "Bound on line 7", "parame": "what a run is told"} {
		h, _ := e.ask("textDocument/hover", at(behind)).(map[string]any)
		if text := fmt.Sprint(h["contents"]); !strings.Contains(text, want) {
			t.Errorf("at %q: %s, want %q", behind, text, want)
		}
	}
	def := e.ask("textDocument/definition", at("`{sta")).(map[string]any)
	if got := fmt.Sprint(def["range"]); got != "map[end:map[character:19 line:2] start:map[character:14 line:2]]" {
		t.Errorf("stage is declared at %s", got)
	}
	place := at("show sta")
	place["newName"] = "copy"
	edits := e.ask("textDocument/rename", place).(map[string]any)["changes"].(map[string]any)[uri].([]any)
	want := strings.NewReplacer("parameter stage", "parameter copy", " {{stage}}", " {{stage}}", "`{{stage}}", "`{{stage}}", "{stage}", "{copy}", "show stage", "show copy").Replace(staged)
	if got := apply(staged, edits); got != want {
		t.Errorf("renamed to\n%s\nwant\n%s", got, want)
	}
	place["newName"] = "code"
	if m := e.try("textDocument/rename", place); m["error"] == nil {
		t.Error("a parameter can be renamed to a variable that is there")
	}
	symbols := fmt.Sprint(e.ask("textDocument/documentSymbol", at("show sta")))
	if !strings.Contains(symbols, "name:stage") || !strings.Contains(symbols, "`{stage}-code`") {
		t.Errorf("symbols %s", symbols)
	}
}

// The files of a folder are one script: what is wrong is what quotewire check would say of the folder, with what is not saved.
func TestEditorChecksAllFilesOfAScript(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := map[string]string{
		"a.dply": "    parameter stage <- \"blue\"\n    target a\n        show stage\n",
		"b.dply": "    target b\n        show stage\n",
		"c.dply": "    target c\n        show stagee\n",
	}
	address := func(name string) string { return "file://" + dir + "/" + name }
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	e := newEditor(t)
	show := func(name, text string) {
		e.tell("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": address(name), "languageId": "dply", "version": 1, "text": text}})
	}
	settle := func(name string) { // an answer comes after what was told before
		e.ask("textDocument/documentSymbol", map[string]any{"textDocument": map[string]any{"uri": address(name)}})
	}
	wrong := func(name string) string {
		var all []string
		for _, d := range e.diagnosed[address(name)] {
			all = append(all, fmt.Sprint(d["code"]))
		}
		return strings.Join(all, " ")
	}
	show("b.dply", files["b.dply"])
	settle("b.dply")
	if wrong("b.dply") != "" || wrong("c.dply") != "E29" {
		t.Errorf("b has %q, want none: stage is in a file beside it; c has %q, want E29 although it is not open", wrong("b.dply"), wrong("c.dply"))
	}
	def := e.ask("textDocument/definition", map[string]any{"textDocument": map[string]any{"uri": address("b.dply")}, "position": map[string]any{"line": 1, "character": 15}})
	if got := fmt.Sprint(def); !strings.Contains(got, address("a.dply")) {
		t.Errorf("stage is declared in %s", got)
	}
	show("a.dply", strings.ReplaceAll(files["a.dply"], "stage", "copy"))
	settle("a.dply")
	if wrong("b.dply") != "E29" {
		t.Errorf("b has %q, want E29: the parameter has another name, not saved yet", wrong("b.dply"))
	}
	e.tell("textDocument/didClose", map[string]any{"textDocument": map[string]any{"uri": address("a.dply")}})
	settle("b.dply")
	if wrong("b.dply") != "" {
		t.Errorf("b has %q, want none: what was not saved is gone", wrong("b.dply"))
	}
	show("a.dply", "    parameter stage <- \"blue\"\n    target b\n        show stage\n")
	settle("a.dply")
	if wrong("a.dply") != "" || wrong("b.dply") != "E29" {
		t.Errorf("a has %q and b %q, want none and E29: with one target in both they are two scripts", wrong("a.dply"), wrong("b.dply"))
	}
	e.tell("textDocument/didClose", map[string]any{"textDocument": map[string]any{"uri": address("a.dply")}})
	e.tell("textDocument/didClose", map[string]any{"textDocument": map[string]any{"uri": address("b.dply")}})
	show("d.dply", "")
	e.tell("textDocument/didClose", map[string]any{"textDocument": map[string]any{"uri": address("d.dply")}})
	show("z.dply", "")
	settle("z.dply")
	if wrong("c.dply") != "E29" {
		t.Errorf("c has %q, want E29 as long as a file beside it is open", wrong("c.dply"))
	}
	e.tell("textDocument/didClose", map[string]any{"textDocument": map[string]any{"uri": address("z.dply")}})
	e.open("prose\n") // elsewhere
	e.ask("textDocument/documentSymbol", at(0, 0))
	if wrong("c.dply") != "" {
		t.Errorf("c has %q, want none: nobody looks at its script any more", wrong("c.dply"))
	}
}

// apply does what the edits of one-line names say.
func apply(text string, edits []any) string {
	lines := strings.Split(text, "\n")
	for i := len(edits) - 1; i >= 0; i-- {
		edit := edits[i].(map[string]any)
		start, end := edit["range"].(map[string]any)["start"].(map[string]any), edit["range"].(map[string]any)["end"].(map[string]any)
		n := int(start["line"].(float64))
		l := lines[n]
		lines[n] = l[:int(start["character"].(float64))] + edit["newText"].(string) + l[int(end["character"].(float64)):]
	}
	return strings.Join(lines, "\n")
}

func TestEditorLaysOutAndLists(t *testing.T) {
	t.Parallel()
	e := newEditor(t)
	edits := e.ask("textDocument/formatting", e.open("  target t\n   show   1\n|")).([]any)
	if got := edits[0].(map[string]any)["newText"]; got != "    target t\n        show 1\n" {
		t.Errorf("laid out as %q", got)
	}
	if edits := e.ask("textDocument/formatting", e.open(prices)).([]any); len(edits) != 0 {
		t.Errorf("a script in its layout gets %v", edits)
	}
	if m := e.try("textDocument/formatting", e.open("    target t\n        show \"\n|")); m["error"] == nil {
		t.Errorf("a script with a mistake is laid out: %v", m)
	}
	targets := e.ask("textDocument/documentSymbol", e.open(prices)).([]any)
	names := []string{}
	for _, s := range targets[0].(map[string]any)["children"].([]any) {
		names = append(names, s.(map[string]any)["name"].(string))
	}
	want := []string{`ensure aws.S3.Bucket "prices-code"`, `find aws.VPC.VPC "net"`, `lambda.function "watch"`, `api.gatewayV2 "feed"`}
	if !reflect.DeepEqual(names, want) {
		t.Errorf("symbols %q, want %q", names, want)
	}
}

// What is no message ends the server with a word; what is one, and wrong, is answered, and the next one as well.
func TestServerTakesAnything(t *testing.T) {
	t.Parallel()
	framed := func(body string) string { return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body) }
	hello := framed(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}`)
	goodbye := framed(`{"jsonrpc":"2.0","id":99,"method":"shutdown"}`) + framed(`{"jsonrpc":"2.0","method":"exit"}`)
	open := func(uri, text string) string {
		body, _ := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": map[string]any{
			"textDocument": map[string]any{"uri": uri, "languageId": "dply", "version": 1, "text": text}}})
		return framed(string(body))
	}
	for name, tc := range map[string]struct{ sent, answer, says string }{
		"garbage":             {"hello world\r\n\r\n", "", "a message without Content-Length"},
		"a line without end":  {strings.Repeat("x", 1<<20), "", "the head of a message: bufio: buffer full"},
		"half a head":         {hello + "Content-Len", "", "the head of a message: unexpected EOF"},
		"half a message":      {hello + "Content-Length: 100\r\n\r\n{", "", "read a message: unexpected EOF"},
		"a negative length":   {"Content-Length: -5\r\n\r\n", "", `a message of the length "-5"`},
		"a message too large": {"Content-Length: 99999999999\r\n\r\n", "", `a message of the length "99999999999"`},
		"gone without a word": {hello, `"hoverProvider":true`, "the editor left without asking for shutdown"},
		"several in one":      {hello + framed(`[]`) + goodbye, `"code":-32700`, ""},
		"wrong parameters":    {hello + framed(`{"id":2,"method":"textDocument/hover","params":{"textDocument":5}}`) + goodbye, `"id":2,"error":{"code":-32602`, ""},
		"none":                {hello + framed(`{"id":"x","method":"textDocument/hover"}`) + goodbye, `"id":"x","error":{"code":-32602`, ""},
		"wrong news":          {hello + framed(`{"method":"textDocument/didOpen","params":[1]}`) + goodbye, `"id":99,"result":null`, ""},
		"a cancelled request": {hello + framed(`{"method":"$/cancelRequest","params":{"id":1}}`) + goodbye, `"id":99,"result":null`, ""},
		"no place": {hello + open(uri, "    target t\n") + framed(`{"id":2,"method":"textDocument/completion","params":{"textDocument":{"uri":"`+uri+
			`"},"position":{"line":-3,"character":99999999}}}`) + goodbye, `"id":2,"result":[]`, ""},
		"an address that is none": {hello + open("%%%:::", "    target t\n   x") + goodbye, `"uri":"%%%:::"`, ""},
		"characters of two units": {hello + open("untitled:Untitled-1", "🚀 prose\r\n    target t\r\n        \"🚀🚀\" => v\r\n        show \"🚀\" vv\r\n") + goodbye,
			`"range":{"start":{"line":3,"character":18},"end":{"line":3,"character":20}}`, ""},
	} {
		cmd := exec.Command("quotewire", "lsp")
		cmd.Stdin = strings.NewReader(tc.sent)
		var out, errs strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &errs
		err := cmd.Run()
		if !strings.Contains(out.String(), tc.answer) || !strings.Contains(errs.String(), tc.says) || (err == nil) != (tc.says == "") {
			t.Errorf("%s: it answers %q and says %q, want %q and %q (%v)", name, out.String(), errs.String(), tc.answer, tc.says, err)
		}
	}
}

func TestServerKeepsToTheProtocol(t *testing.T) {
	t.Parallel()
	e := newEditor(t)
	if m := e.try("textDocument/colour", at(0, 0)); m["error"].(map[string]any)["code"] != -32601.0 {
		t.Errorf("an unknown method: %v", m)
	}
	fmt.Fprintf(e.in, "Content-Length: 5\r\n\r\n{nope")
	if m := e.receive(); m["error"].(map[string]any)["code"] != -32700.0 {
		t.Errorf("no JSON: %v", m)
	}
	e.ask("shutdown", nil)
	if m := e.try("textDocument/hover", at(0, 0)); m["error"].(map[string]any)["code"] != -32600.0 {
		t.Errorf("after shutdown: %v", m)
	}
	e.tell("exit", nil)
	if err := e.cmd.Wait(); err != nil {
		t.Errorf("exit after shutdown: %v", err)
	}
	rude := newEditor(t)
	rude.tell("exit", nil)
	if err := rude.cmd.Wait(); err == nil {
		t.Error("exit without shutdown has the status 0")
	}
}
