package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/rogpeppe/go-internal/testscript"

	"quotewire/cloud"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"quotewire": main})
}

// The scripts under testdata/script are the manual of the command line, run. They have the commands of testscript and:
//
//	listen NAME        listens on a free port and sets $NAME to its HOST:PORT
//	ready DIR          waits until the quotewire that runs on the state folder DIR is ready, and points AWS tools at it
//	log GROUP TEXT…    writes each text as an event of the log group, at the cloud that ready found
//	nogo               takes everything but quotewire out of $PATH
//	status N COMMAND…  runs a command that must exit with the status N
//	hold OPERATION     stops the calls of that operation on their way to the cloud, such as CreateTable
//	held               waits until one is stopped there
//	release            lets them go
//	says FILE TEXT     waits until the file has the text
//	gomod              writes a go.mod like the repository's, for scripts that bring a function
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	goEnv, err := exec.Command("go", "env", "GOMODCACHE", "GOCACHE", "GOPROXY", "GOSUMDB", "GOFLAGS").Output()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_GOLDEN") != "", // rewrites the golden parts
		Setup: func(env *testscript.Env) error {
			env.Values[gateKey{}] = new(*gate)
			for i, value := range strings.Split(strings.TrimRight(string(goEnv), "\n"), "\n") {
				env.Setenv([]string{"GOMODCACHE", "GOCACHE", "GOPROXY", "GOSUMDB", "GOFLAGS"}[i], value)
			}
			env.Setenv("ROOT", root)
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"listen": listen, "ready": ready, "gomod": gomod, "nogo": nogo, "log": logEvents, "status": status, "twin": twin,
			"hold": hold, "held": held, "release": release, "says": says,
		},
	})
}

func listen(ts *testscript.TestScript, neg bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], l.Addr().String())
}

func ready(ts *testscript.TestScript, neg bool, args []string) {
	dir := ts.MkAbs(args[0])
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		e, err := cloud.ReadEndpoints(dir)
		if err == nil {
			ts.Setenv("AWS_ENDPOINT_URL", e.Cloud)
			ts.Setenv("AWS_REGION", "us-east-1")
			root, err := cloud.ReadRoot(dir)
			ts.Check(err)
			ts.Setenv("AWS_ACCESS_KEY_ID", root.AccessKeyID)
			ts.Setenv("AWS_SECRET_ACCESS_KEY", root.SecretAccessKey)
			for name, url := range e.APIs {
				ts.Setenv(strings.ToUpper(strings.ReplaceAll(name, "-", "_")), url)
			}
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("nothing is ready on %s: %v", dir, err)
		}
	}
}

func logEvents(ts *testscript.TestScript, neg bool, args []string) {
	logs := cloudwatchlogs.New(cloudwatchlogs.Options{Region: ts.Getenv("AWS_REGION"), BaseEndpoint: aws.String(ts.Getenv("AWS_ENDPOINT_URL")),
		Credentials: credentials.NewStaticCredentialsProvider(ts.Getenv("AWS_ACCESS_KEY_ID"), ts.Getenv("AWS_SECRET_ACCESS_KEY"), "")})
	ctx, group, stream := context.Background(), &args[0], aws.String("2024/09/23/[$LATEST]0123456789abcdef0123456789abcdef")
	var exists *types.ResourceAlreadyExistsException
	if _, err := logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group}); !errors.As(err, &exists) {
		ts.Check(err)
	}
	if _, err := logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream}); !errors.As(err, &exists) {
		ts.Check(err)
	}
	var events []types.InputLogEvent
	for _, text := range args[1:] {
		events = append(events, types.InputLogEvent{Timestamp: aws.Int64(time.Now().UnixMilli()), Message: &text})
	}
	_, err := logs.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: group, LogStreamName: stream, LogEvents: events})
	ts.Check(err)
}

// twin makes another network of a name, which no script can.
func twin(ts *testscript.TestScript, neg bool, args []string) {
	networks := ec2.New(ec2.Options{Region: ts.Getenv("AWS_REGION"), BaseEndpoint: aws.String(ts.Getenv("AWS_ENDPOINT_URL")),
		Credentials: credentials.NewStaticCredentialsProvider(ts.Getenv("AWS_ACCESS_KEY_ID"), ts.Getenv("AWS_SECRET_ACCESS_KEY"), "")})
	_, err := networks.CreateVpc(context.Background(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.99.0.0/16"),
		TagSpecifications: []ec2types.TagSpecification{{ResourceType: ec2types.ResourceTypeVpc, Tags: []ec2types.Tag{{Key: aws.String("Name"), Value: &args[0]}}}}})
	ts.Check(err)
}

// gateKey is where a script keeps the gate before its cloud.
type gateKey struct{}

func hold(ts *testscript.TestScript, neg bool, args []string) {
	kept := ts.Value(gateKey{}).(**gate)
	if *kept == nil {
		g, err := newGate(ts.Getenv("AWS_ENDPOINT_URL"))
		ts.Check(err)
		ts.Defer(g.close)
		ts.Setenv("AWS_ENDPOINT_URL", g.URL)
		*kept = g
	}
	(*kept).hold(args[0], false)
}

func held(ts *testscript.TestScript, neg bool, args []string) {
	(*ts.Value(gateKey{}).(**gate)).wait(ts)
}

func release(ts *testscript.TestScript, neg bool, args []string) {
	(*ts.Value(gateKey{}).(**gate)).release()
}

func says(ts *testscript.TestScript, neg bool, args []string) {
	name := ts.MkAbs(args[0])
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(name)
		if err == nil && strings.Contains(string(text), args[1]) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s does not say %q, but:\n%s", args[0], args[1], text)
		}
	}
}

func status(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	if code := "0"; errors.As(err, &exit) {
		if code = strconv.Itoa(exit.ExitCode()); code != args[0] {
			ts.Fatalf("%q exits with %s, want %s", args[1:], code, args[0])
		}
	} else if args[0] != "0" {
		ts.Fatalf("%q exits with 0, want %s (%v)", args[1:], args[0], err)
	}
}

func nogo(ts *testscript.TestScript, neg bool, args []string) {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, "quotewire")); err == nil {
			ts.Setenv("PATH", dir)
			return
		}
	}
	ts.Fatalf("no quotewire in $PATH")
}

func gomod(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(ts.Getenv("ROOT"), name))
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(name), text, 0o644))
	}
}

// Every warning that a script of this folder shows has a section in docs/warnings.md, and every section is shown.
func TestEveryWarningHasItsSection(t *testing.T) {
	page, err := os.ReadFile("../../docs/warnings.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^## (W\d\d):`).FindAllStringSubmatch(string(page), -1) {
		sections[m[1]] = true
	}
	shown := map[string]bool{}
	scripts, _ := filepath.Glob("testdata/script/*.txtar")
	for _, name := range scripts {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^\S+\.dply:\d+:\d+: (W\d\d):`).FindAllStringSubmatch(string(text), -1) {
			shown[m[1]] = true
		}
	}
	if !maps.Equal(sections, shown) {
		t.Errorf("docs/warnings.md has %v, the scripts show %v", sections, shown)
	}
}

// Every error that the language and the deployer have is shown by a script of this folder.
func TestEveryErrorHasItsScript(t *testing.T) {
	elsewhere := map[string]string{"E50": "dply/check: a type with a scaling range", "E59": "e2e/types: a domain that nobody has, on moto"}
	known := map[string]bool{}
	for _, dir := range []string{"../../dply", "../../deploy"} {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range regexp.MustCompile(`"(E\d\d)"`).FindAllStringSubmatch(string(text), -1) {
				known[m[1]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var shown strings.Builder
	scripts, _ := filepath.Glob("testdata/script/errors*.txtar")
	for _, name := range scripts {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		shown.Write(text)
	}
	for code := range known {
		if elsewhere[code] == "" && !strings.Contains(shown.String(), code+": ") {
			t.Errorf("no script shows %s", code)
		}
	}
}

func TestFlagsMayFollowArguments(t *testing.T) {
	for _, args := range []string{"a --x 1 b", "--x 1 a b", "a b --x=1"} {
		v := verb{name: "v"}
		flags := newFlags(v.name)
		x := flags.String("x", "", "")
		rest, err := parse(flags, strings.Fields(args))
		if err != nil || *x != "1" || fmt.Sprint(rest) != "[a b]" {
			t.Errorf("%s: x = %q, rest = %q, %v", args, *x, rest, err)
		}
	}
}
