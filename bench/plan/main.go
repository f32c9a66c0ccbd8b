// Command plan measures what a plan of 200 resources costs, beside the same reads by AWS's own tools:
//
//	PATH=$PWD/.venv/bin:$PATH go run ./bench/plan
//
// It starts an embedded cloud, deploys a script into it, and then takes the time of `quotewire plan` and of a deploy that
// changes nothing; of a Python program that makes the same calls with boto3, one after the other in one process; of one that
// asks for each resource by its name, as scripts and tools without lists do; and of the AWS CLI, a process for each call. All
// of them talk to the same server, in turns. It prints a table for docs/performance.md: calls, and times as ratios.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/middleware"

	"quotewire/cloud"
	"quotewire/deploy"
	provider "quotewire/deploy/aws"
	"quotewire/dply"
	"quotewire/e2e/rig"
)

//go:embed reads.py
var readsProgram string

// resources are the parts of the script, each so many times; # is a number. With the bucket and the code they make 200.
var resources = []struct {
	times int
	text  string
}{
	{40, `
        lambda.function "plan-#"
            @teardown delete
            Runtime <- "provided.al2023"
            Handler <- "bootstrap"
            Code <= aws.S3.Location
                Bucket <- "plan-code.example.org"
                Key <- "code.zip"
            Role <= aws.IAM.WithRole "plan-role-#"
                assume
                    allow "sts:AssumeRole"
                        principal "Service" "lambda.amazonaws.com"
                policy
                    allow "logs:PutLogEvents" "*"
            Alias <- "next"`},
	{20, `
        ensure aws.DynamoDB.Table "plan-#"
            @teardown delete
            Fields <= aws.DynamoFields
                id string
                    @Key hash`},
	{30, `
        ensure aws.Logs.LogGroup "/plan/#"
            @teardown delete
            RetentionInDays <- 7`},
	{14, `
        policy => read#
            allow "s3:GetObject" "arn:aws:s3:::plan-#/*"
        ensure aws.IAM.Policy "plan-#"
            @teardown delete
            Policy <- read#`},
	{14, `
        ensure aws.S3.Bucket "plan-#.example.org"
            @teardown delete`},
}

const code = `
        ensure aws.S3.Bucket "plan-code.example.org"
            @teardown delete`

func main() {
	log.SetFlags(0)
	log.SetPrefix("plan: ")
	reps := flag.Int("reps", 3, "repeat each cell `N` times; the medians count")
	flag.Parse()
	if err := run(*reps); err != nil {
		log.Fatal(err)
	}
}

func run(reps int) error {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "quotewire-plan-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary, err := rig.Build(dir, "quotewire/cmd/quotewire")
	if err != nil {
		return err
	}
	server, err := rig.Launch(binary, filepath.Join(dir, "state"), dir, "cloud")
	if err != nil {
		return err
	}
	defer server.Kill()
	root, err := cloud.ReadRoot(server.Dir)
	if err != nil {
		return err
	}
	env := append(os.Environ(), "AWS_ENDPOINT_URL="+server.Endpoints.Cloud, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID="+root.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+root.SecretAccessKey, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: &server.Endpoints.Cloud,
		Credentials: credentials.NewStaticCredentialsProvider(root.AccessKeyID, root.SecretAccessKey, "")}

	var whole strings.Builder
	whole.WriteString("    target plan" + code)
	var parts []string
	n := 2 // the bucket and the code
	for _, r := range resources {
		for i := range r.times {
			text := strings.ReplaceAll(r.text, "#", fmt.Sprintf("%03d", i))
			whole.WriteString(text)
			parts = append(parts, text)
		}
		n += r.times
	}
	n += 2 * resources[0].times // a role and an alias for each function
	script := filepath.Join(dir, "plan.dply")
	if err := os.WriteFile(script, []byte(whole.String()+"\n"), 0o644); err != nil {
		return err
	}
	// The code has to be there before the functions.
	first := filepath.Join(dir, "code.dply")
	if err := os.WriteFile(first, []byte("    target code"+code+"\n"), 0o644); err != nil {
		return err
	}
	quotewire := func(args ...string) *exec.Cmd { return command(env, binary, args...) }
	if err := quotewire("deploy", "--yes", first).Run(); err != nil {
		return fmt.Errorf("deploy the bucket: %w", err)
	}
	if err := putCode(ctx, cfg); err != nil {
		return err
	}
	fresh, err := count(quotewire("plan", "--verbose", script))
	if err != nil {
		return err
	}
	if out, err := quotewire("deploy", "--yes", script).CombinedOutput(); err != nil {
		return fmt.Errorf("deploy: %w\n%s", err, out)
	}
	same, err := reads(ctx, cfg, whole.String())
	if err != nil {
		return err
	}
	byName, err := reads(ctx, cfg, append([]string{"    target plan" + code}, parts...)...)
	if err != nil {
		return err
	}
	program := filepath.Join(dir, "reads.py")
	if err := os.WriteFile(program, []byte(readsProgram), 0o644); err != nil {
		return err
	}
	python := func(list []read) func() ([]*exec.Cmd, error) {
		text, err := json.Marshal(list)
		return func() ([]*exec.Cmd, error) {
			cmd := command(env, "python3", program)
			cmd.Stdin = strings.NewReader(string(text))
			return []*exec.Cmd{cmd}, err
		}
	}
	one := func(args ...string) func() ([]*exec.Cmd, error) {
		return func() ([]*exec.Cmd, error) { return []*exec.Cmd{quotewire(args...)}, nil }
	}
	noop, err := count(quotewire("plan", "--verbose", script))
	if err != nil {
		return err
	}
	rows := []*row{
		{name: "`quotewire plan`, all there", calls: noop, make: one("plan", "--exit-code", script)},
		{name: "`quotewire deploy` that changes nothing", calls: noop, make: one("deploy", "--yes", script)},
		{name: "boto3, the same calls, one process", calls: len(same), make: python(same)},
		{name: "boto3, each resource by its name, one process", calls: len(byName), make: python(byName)},
		{name: "AWS CLI, the same calls, a process each", calls: len(same), once: true, make: func() ([]*exec.Cmd, error) { return cli(env, same) }},
	}
	for range reps {
		for _, r := range rows {
			if r.once && r.wall != nil {
				continue
			}
			if err := r.measure(); err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
		}
	}
	print(rows, n, fresh)
	return nil
}

// row is one way to read the same things.
type row struct {
	name      string
	calls     int
	once      bool // it takes so long that it is not repeated
	make      func() ([]*exec.Cmd, error)
	wall, cpu []time.Duration
}

func (r *row) measure() error {
	commands, err := r.make()
	if err != nil {
		return err
	}
	began, cpu := time.Now(), time.Duration(0)
	for _, cmd := range commands {
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil && !strings.Contains(out.String(), "(ResourceNotFoundException)") { // an answer too
			return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out.String())
		}
		cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	r.wall, r.cpu = append(r.wall, time.Since(began)), append(r.cpu, cpu)
	return nil
}

func median(all []time.Duration) time.Duration {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}

func print(rows []*row, n, fresh int) {
	fmt.Printf("%d resources. A plan of them when nothing is there yet makes %d calls.\n\n", n, fresh)
	fmt.Println("| all there, nothing to do | calls | wall time | CPU of the client |\n| --- | --: | --: | --: |")
	base := rows[0]
	for _, r := range rows {
		ratio := func(a, b []time.Duration) string {
			return fmt.Sprintf("%.3g ×", float64(median(a))/float64(median(b)))
		}
		fmt.Printf("| %s | %d | %s | %s |\n", r.name, r.calls, ratio(r.wall, base.wall), ratio(r.cpu, base.cpu))
	}
	fmt.Printf("\n1 × is %.2g s of wall time and %.2g s of CPU.\n", median(base.wall).Seconds(), median(base.cpu).Seconds())
}

func command(env []string, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = env
	return cmd
}

// count runs a plan with --verbose and returns the number of calls that it tells of.
func count(cmd *exec.Cmd) (int, error) {
	var errs strings.Builder
	cmd.Stderr = &errs
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, errs.String())
	}
	for line := range strings.Lines(errs.String()) {
		var n int
		if _, err := fmt.Sscanf(line, "%d calls of the cloud", &n); err == nil {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%s does not tell its calls:\n%s", strings.Join(cmd.Args, " "), errs.String())
}

// read is one call, as every tool of AWS can be told to make it.
type read struct {
	Service   string         `json:"service"`   // as the CLI calls it
	Operation string         `json:"operation"` // as the CLI calls it
	Input     map[string]any `json:"input"`
}

// reads are the calls that plans of the scripts make, without those that only ask for the next page.
func reads(ctx context.Context, cfg aws.Config, scripts ...string) ([]read, error) {
	var mu sync.Mutex
	var all []read
	cfg = cfg.Copy()
	cfg.APIOptions = append(cfg.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("note", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			mu.Lock()
			defer mu.Unlock()
			if r, first := readOf(awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx), in.Parameters); first {
				all = append(all, r)
			}
			return next.HandleInitialize(ctx, in)
		}), middleware.After)
	})
	known := provider.NewProvider(cfg)
	for i, text := range scripts {
		if i > 0 {
			text = "    target plan" + text
		}
		program, found := dply.Check(provider.Catalog(), []dply.Source{{Name: "plan.dply", Text: []byte(text + "\n")}})
		if found.Err() != nil {
			return nil, found
		}
		plan, err := deploy.Prepare(ctx, program, deploy.Options{Provider: known})
		if err != nil {
			return nil, err
		}
		for _, step := range plan.Steps() {
			if step.Action != deploy.None {
				return nil, fmt.Errorf("%s is not as the script says", step.Resource)
			}
		}
		known = known.Again()
	}
	return all, nil
}

// readOf says a call of the SDK in the words of the other tools, and whether it is the first of its pages.
func readOf(service, operation string, input any) (read, bool) {
	text, err := json.Marshal(input)
	r := read{Service: map[string]string{"S3": "s3api", "CloudWatch Logs": "logs"}[service], Operation: kebab(operation)}
	if r.Service == "" {
		r.Service = strings.ToLower(strings.ReplaceAll(service, " ", ""))
	}
	if err == nil {
		err = json.Unmarshal(text, &r.Input)
	}
	if err != nil {
		panic(err) // inputs of reads are plain
	}
	for name, value := range r.Input {
		switch value {
		case nil, "", false:
			delete(r.Input, name)
		}
	}
	for _, token := range []string{"Marker", "NextToken", "ContinuationToken", "ExclusiveStartTableName"} {
		if r.Input[token] != nil {
			return r, false
		}
	}
	for name := range r.Input { // the input's names on the wire may begin small
		if service == "CloudWatch Logs" {
			r.Input[strings.ToLower(name[:1])+name[1:]] = r.Input[name]
			delete(r.Input, name)
		}
	}
	return r, true
}

// kebab is how the CLI calls an operation: GetRolePolicy is get-role-policy.
func kebab(name string) string {
	var b strings.Builder
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			if i > 0 {
				b.WriteByte('-')
			}
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}

// cli are the calls as processes of the AWS CLI.
func cli(env []string, list []read) ([]*exec.Cmd, error) {
	var all []*exec.Cmd
	for _, r := range list {
		input, err := json.Marshal(r.Input)
		if err != nil {
			return nil, err
		}
		args := []string{r.Service, r.Operation}
		switch {
		case r.Operation == "get-object": // which has an argument of its own
			args = append(args, "--bucket", fmt.Sprint(r.Input["Bucket"]), "--key", fmt.Sprint(r.Input["Key"]), os.DevNull)
		case len(r.Input) > 0:
			args = append(args, "--cli-input-json", string(input))
		}
		all = append(all, command(env, "aws", args...))
	}
	return all, nil
}
