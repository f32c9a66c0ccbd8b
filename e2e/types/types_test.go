// Package types tries every resource type of the deployer against servers that have its service: the embedded cloud, and
// moto, which nobody here wrote. A type is tried by the scripts of a file in testdata: what each of them says at its
// margin is what its deployment has to do.
//
//	-- create --            the first script; each is deployed, then deployed again, which must write nothing
//	> create log group x    a step that the plan has, with the properties that differ; all steps are listed, in order
//	-- another name --      a further script: before it is deployed, the one before must see no drift, and afterwards some
//	= no drift before       … unless it says so
//	-- refused … --         a script that is refused before anything is written
//	! cannot be changed     words of the refusal
//	-- destroy --           the steps of the teardown of the last script; optional
//
// The comment of a file names its servers in a line "on: cloud moto", and in lines "not on moto: reason" why one is missing.
package types

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/rogpeppe/go-internal/txtar"

	"quotewire/cloud"
	"quotewire/deploy"
	provider "quotewire/deploy/aws"
	"quotewire/dply"
	"quotewire/dply/check"
	"quotewire/e2e/rig"
)

var update = flag.Bool("update", false, "rewrite the steps in testdata and docs/tried.md")

// shared is what all tests of a run use.
var shared struct {
	dir   string
	mu    sync.Mutex // protects calls
	calls []call     // of all tests
	moto  func() (string, error)
	cloud func() (*rig.Process, error)

	outfit    sync.Mutex // protects outfitted
	outfitted map[string]bool
}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "quotewire-types-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		shared.dir = dir
		shared.outfitted = map[string]bool{}
		var stop []func()
		defer func() {
			for _, f := range stop {
				f()
			}
		}()
		shared.moto = sync.OnceValues(func() (string, error) {
			address, kill, err := rig.StartMoto(true)
			if err == nil {
				stop = append(stop, kill)
				err = addZone(address)
			}
			return address, err
		})
		shared.cloud = sync.OnceValues(func() (*rig.Process, error) {
			binary, err := rig.Build(dir, "quotewire/cmd/quotewire")
			if err != nil {
				return nil, err
			}
			p, err := rig.Launch(binary, filepath.Join(dir, "state"), dir, "cloud")
			if err == nil {
				stop = append(stop, p.Kill)
			}
			return p, err
		})
		return m.Run()
	}())
}

// addZone makes the hosted zone that scripts find: no script makes one.
func addZone(moto string) error {
	_, err := route53.NewFromConfig(motoConfig(moto)).CreateHostedZone(context.Background(), &route53.CreateHostedZoneInput{Name: aws.String("types.example.org"), CallerReference: aws.String("types")})
	return err
}

// beyond answers for what moto lacks.
var beyond = rig.NewBeyond()

func motoConfig(address string) aws.Config {
	return aws.Config{Region: "us-east-1", BaseEndpoint: &address, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), HTTPClient: beyond}
}

// server returns the configuration of a server, and skips the test if it is not on this machine.
func server(t *testing.T, name string) aws.Config {
	t.Helper()
	if name == "moto" {
		rig.Need(t, "moto_server")
		address, err := shared.moto()
		if err != nil {
			t.Fatal(err)
		}
		return motoConfig(address)
	}
	p, err := shared.cloud()
	if err != nil {
		t.Fatal(err)
	}
	root, err := cloud.ReadRoot(p.Dir)
	if err != nil {
		t.Fatal(err)
	}
	return aws.Config{Region: "us-east-1", BaseEndpoint: &p.Endpoints.Cloud, Credentials: credentials.NewStaticCredentialsProvider(root.AccessKeyID, root.SecretAccessKey, "")}
}

// environment is that of the scripts: ISSUER is where tokens come from, SITE is a folder with files.
func (r *trial) environment() dply.Option {
	return dply.LookupEnv(func(name string) (string, bool) {
		value, ok := map[string]string{"ISSUER": r.issuer, "SITE": filepath.Join(r.dir, "site")}[name]
		return value, ok
	})
}

// startIssuer starts something that describes itself as an issuer of tokens.
func startIssuer(t *testing.T) string {
	s := httptest.NewUnstartedServer(nil)
	url := "http://" + s.Listener.Addr().String()
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/.well-known/openid-configuration" {
			w.Write([]byte(`{"keys":[]}`))
			return
		}
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, url, url+"/keys")
	})
	s.Start()
	t.Cleanup(s.Close)
	return url
}

// trial is a file of testdata on one server.
type trial struct {
	*testing.T
	wire   wire
	config aws.Config
	issuer string
	dir    string // of the scripts, with the Go package lambda/hello
	seen   []call
}

func TestTypes(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	t.Run("trials", func(t *testing.T) {
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".txtar")
			for _, on := range servers(t, file) {
				t.Run(name+" on "+on, func(t *testing.T) {
					t.Parallel()
					try(t, file, on)
				})
			}
		}
	})
	if !t.Failed() {
		validate(t)
	}
}

func archive(t *testing.T, file string) *txtar.Archive {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func servers(t *testing.T, file string) []string {
	for line := range strings.Lines(string(archive(t, file).Comment)) {
		if names, ok := strings.CutPrefix(line, "on: "); ok {
			return strings.Fields(names)
		}
	}
	t.Fatalf("%s names no server", file)
	return nil
}

// folder makes a folder for the script with a Go package lambda/hello and a site beside it.
func folder(t *testing.T) string {
	dir := t.TempDir()
	pkg := filepath.Join(dir, "lambda", "hello")
	site := filepath.Join(dir, "site")
	err := errors.Join(os.MkdirAll(pkg, 0o755), os.MkdirAll(site, 0o755))
	for name, text := range map[string]string{
		filepath.Join(pkg, "go.mod"):      "module example.org/hello\n\ngo 1.26\n",
		filepath.Join(pkg, "main.go"):     "package main\n\nfunc main() { println(\"hello\") }\n",
		filepath.Join(site, "index.html"): "<h1>hello</h1>\n",
	} {
		if err == nil {
			err = os.WriteFile(name, []byte(text), 0o644)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func try(t *testing.T, file, on string) {
	r := &trial{T: t, dir: folder(t), issuer: startIssuer(t)}
	cfg := server(t, on)
	outfit(t, cfg)
	r.config = r.wire.through(cfg)
	a := archive(t, file)
	var last *check.Program
	var steps []string // of the destroy section
	for i := range a.Files {
		section := &a.Files[i]
		switch {
		case section.Name == "destroy":
			steps = r.expect(section, r.destroy(last))
		case strings.HasPrefix(section.Name, "refused"):
			r.refused(section)
		default:
			last = r.deploy(section, last)
		}
	}
	if steps == nil {
		r.destroy(last)
	}
	r.gone(last)
	if *update && on == servers(t, file)[0] && !t.Failed() {
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	shared.calls = append(shared.calls, r.seen...)
}

func (r *trial) program(section *txtar.File) *check.Program {
	r.Helper()
	p, list := dply.Check(provider.Catalog(), []dply.Source{{Name: section.Name, Text: section.Data}}, r.environment())
	if p == nil {
		r.Fatalf("%s: %v", section.Name, list)
	}
	return p
}

func (r *trial) plan(p *check.Program, mode deploy.Mode) (*deploy.Plan, error) {
	return deploy.Prepare(r.Context(), p, deploy.Options{Provider: provider.NewProvider(r.config), Mode: mode, Parallel: 1,
		ScriptDir: r.dir, CacheDir: filepath.Join(shared.dir, "cache")})
}

// apply runs a program and returns what its plan said and its calls.
func (r *trial) apply(p *check.Program, mode deploy.Mode) ([]deploy.Planned, []call) {
	r.Helper()
	plan, err := r.plan(p, mode)
	if err != nil {
		r.Fatal(err)
	}
	if early := writes(r.wire.take()); early != nil {
		r.Errorf("the plan wrote: %q", early)
	}
	steps := plan.Steps()
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Minute)
	defer cancel()
	if _, err = plan.Apply(ctx); err != nil {
		r.Fatal(err)
	}
	calls := r.wire.take()
	r.seen = append(r.seen, calls...)
	return steps, calls
}

// deploy tries one script: it does what the margin says, then nothing, and what the script before it says has drifted.
func (r *trial) deploy(section *txtar.File, before *check.Program) *check.Program {
	r.Helper()
	p := r.program(section)
	steps, _ := r.apply(p, deploy.Deploy)
	r.expect(section, steps)
	again, calls := r.apply(p, deploy.Deploy)
	if w := writes(calls); w != nil {
		r.Errorf("%s: the second deploy wrote %q for %q", section.Name, w, said(again))
	}
	if before == nil {
		return p
	}
	if strings.Contains(string(section.Data), "= no drift before\n") {
		return p
	}
	plan, err := r.plan(before, deploy.Deploy)
	if r.wire.take(); err == nil && said(plan.Steps()) == nil {
		r.Errorf("%s: the script before sees no drift", section.Name)
	}
	return p
}

// said are the steps that do something, as the margin of a script says them.
func said(steps []deploy.Planned) []string {
	var all []string
	for _, s := range steps {
		if s.Action == deploy.None {
			continue
		}
		line := s.Action.String() + " " + s.Resource
		var changes []string
		for _, c := range s.Changes {
			if len(c.Added)+len(c.Removed) > 0 {
				changes = append(changes, fmt.Sprintf("%s +%d -%d", c.Property, len(c.Added), len(c.Removed)))
				continue
			}
			changes = append(changes, c.String())
		}
		if changes != nil {
			line += ": " + strings.Join(changes, "; ")
		}
		all = append(all, ids.ReplaceAllString(line, "*"))
	}
	return all
}

// ids are what is different in every run, folders among them, and ports of the servers.
var ids = regexp.MustCompile(`(subnet|sg|vpc|eni|igw|eigw|nat|rtb|vpce|eipalloc)-[0-9a-f]+|[0-9a-f]{8}-[0-9a-f-]{27}|\b[A-Z0-9]{13}\b|/\S+/site\b`)

// expect compares steps with the margin of a script, or writes them there.
func (r *trial) expect(section *txtar.File, steps []deploy.Planned) []string {
	r.Helper()
	got := said(steps)
	var want, rest []string
	for line := range strings.Lines(string(section.Data)) {
		if step, ok := strings.CutPrefix(line, "> "); ok {
			want = append(want, strings.TrimSpace(step))
		} else {
			rest = append(rest, line)
		}
	}
	if *update {
		text := ""
		for _, step := range got {
			text += "> " + step + "\n"
		}
		section.Data = []byte(text + strings.Join(rest, ""))
	} else if !slices.Equal(got, want) {
		r.Errorf("%s: the steps are\n> %s\nwant\n> %s", section.Name, strings.Join(got, "\n> "), strings.Join(want, "\n> "))
	}
	if got == nil {
		got = []string{}
	}
	return got
}

func (r *trial) refused(section *txtar.File) {
	r.Helper()
	p, list := dply.Check(provider.Catalog(), []dply.Source{{Name: section.Name, Text: section.Data}}, r.environment())
	err := list.Err()
	if p != nil {
		_, err = r.plan(p, deploy.Deploy)
	}
	if w := writes(r.wire.take()); err == nil || w != nil {
		r.Errorf("%s: not refused (%v), wrote %q", section.Name, err, w)
		return
	}
	for line := range strings.Lines(string(section.Data)) {
		if words, ok := strings.CutPrefix(line, "! "); ok && !strings.Contains(err.Error(), strings.TrimSpace(words)) {
			r.Errorf("%s: refused with %v, want %s", section.Name, err, words)
		}
	}
}

func (r *trial) destroy(p *check.Program) []deploy.Planned {
	r.Helper()
	steps, _ := r.apply(p, deploy.Teardown)
	return steps
}

// gone checks that a teardown has left nothing of what is to be deleted.
func (r *trial) gone(p *check.Program) {
	r.Helper()
	plan, err := r.plan(p, deploy.Teardown)
	if err != nil {
		r.Fatal(err)
	}
	if left := said(plan.Steps()); left != nil {
		r.Errorf("after the teardown, another one would %q", left)
	}
}

// validate holds all calls against botocore's models of the services.
func validate(t *testing.T) {
	rig.Need(t, "python3")
	if exec.Command("python3", "-c", "import botocore").Run() != nil {
		t.Skip("no botocore: run scripts/test")
	}
	all, err := lines(shared.calls)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "python3", "validate.py")
	cmd.Stdin = strings.NewReader(strings.Join(all, "\n") + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("calls do not fit the models: %v\n%s", err, out)
		return
	}
	t.Logf("%s", out)
}

// What could be tried on one server only is said on a page, with the reason.
func TestTriedIsWhatTestdataSays(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# What the deployer was tried against\n\n" +
		"Each line is a file of `e2e/types/testdata`: scripts that are deployed, deployed again (which writes nothing), changed, looked at for\n" +
		"drift, refused and destroyed. They run against the embedded cloud and against moto, a server that nobody here wrote, as far as these\n" +
		"have the service; every call is held against botocore's model of it.\n\n" +
		"This page is generated: `go test ./e2e/types -run TestTriedIsWhatTestdataSays -update`.\n\n" +
		"| what | embedded cloud | moto | resources of | if not on both |\n| --- | --- | --- | --- | --- |\n")
	for _, file := range files {
		a := archive(t, file)
		title, rest, _ := strings.Cut(string(a.Comment), "\n")
		why := ""
		for line := range strings.Lines(rest) {
			if reason, ok := strings.CutPrefix(line, "not on "); ok {
				_, why, _ = strings.Cut(strings.TrimSpace(reason), ": ")
			}
		}
		on := servers(t, file)
		mark := map[bool]string{true: "yes", false: ""}
		fmt.Fprintf(&b, "| %s | %s | %s | `%s` | %s |\n", strings.TrimSuffix(title, "."), mark[slices.Contains(on, "cloud")], mark[slices.Contains(on, "moto")],
			strings.Join(named(a), "`, `"), why)
	}
	b.Write(triedProperties(t))
	const page = "../../docs/tried.md"
	if *update {
		if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(page); err != nil || string(have) != b.String() {
		t.Errorf("docs/tried.md differs from testdata (%v); run this test with -update", err)
	}
}

// named are the types and verbs that the scripts of a file use.
func named(a *txtar.Archive) []string {
	word := regexp.MustCompile(`(?m)^ +(?:(?:ensure|find|coin) (aws\.[A-Za-z0-9.]+)|(lambda\.function|api\.gatewayV2|cloudfront\.[A-Za-z0-9.]+|attachPolicy) )`)
	var all []string
	for _, f := range a.Files {
		for _, m := range word.FindAllStringSubmatch(string(f.Data), -1) {
			all = append(all, m[1]+m[2])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
