//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"quotewire/bench/measure"
	"quotewire/cloud"
	"quotewire/quotes"
	"quotewire/quotes/dynamodb"
)

// watcher is a user of the sample data who watches EIQQ, beside others.
const watcher = `{"action":"user","id":"user003"}`

// upTimeout is how long the functions may take to be built and deployed, on one core.
const upTimeout = 3 * time.Minute

// startUp starts quotewire up on core 0, with the sample data and without a feed.
func (b *bench) startUp(ctx context.Context) (_ *running, dir string, err error) {
	if why := b.unbuilt["quotewire"]; why != "" {
		return nil, "", errors.New(why)
	}
	if dir, err = os.MkdirTemp("", "quotewire-bench-"); err != nil {
		return nil, "", err
	}
	log, err := os.Create(filepath.Join(b.dir, "up.log"))
	if err != nil {
		return nil, "", err
	}
	defer log.Close()
	args := []string{
		filepath.Join(b.bin, "quotewire"), "up", "--state", dir, "--listen", "127.0.0.1:0", "--web", "127.0.0.1:0", "--feed", "none",
		"--limit", "apigateway.connection-rate=1000000", "--limit", "apigateway.request-rate=1000000", "--limit", "apigateway.request-burst=1000000",
		"infrastructure.dply",
	}
	if b.pin {
		args = append([]string{"taskset", "-c", "0"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	r := &running{pid: cmd.Process.Pid}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	r.stop = func() {
		cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
		os.RemoveAll(dir)
	}
	for deadline := time.Now().Add(upTimeout); ; time.Sleep(100 * time.Millisecond) {
		e, err := cloud.ReadEndpoints(dir)
		if err == nil && e.Web != "" {
			r.WS, r.Publish = e.APIs["stock-watch"], e.APIs["stock-publish"]
			return r, dir, nil
		}
		select {
		case <-ended:
			err = errors.New("it ended")
		case <-ctx.Done():
			err = ctx.Err()
		default:
			if time.Now().Before(deadline) {
				continue
			}
			err = fmt.Errorf("it is not ready after %v", upTimeout)
		}
		r.stop()
		said, _ := os.ReadFile(log.Name())
		return nil, "", fmt.Errorf("quotewire up: %w\n%s", err, said)
	}
}

// ways are the arguments with which the load generator goes the product's whole way: a socket says who its user is, and a
// price is posted to stock-publish.
func ways(s *running, sockets int) []string {
	return []string{
		"-n", strconv.Itoa(sockets), "-url", s.WS, "-hello", watcher, "-greet", "16", "-patience", "4m",
		"-post", s.Publish, "-body", "EIQQ={price}", "-header", "Content-Type: application/x-www-form-urlencoded",
	}
}

// product measures the whole way of a price, or for the other servers the fan-out beside it.
func (b *bench) product(ctx context.Context, w workload, name string) ([]measure.Result, error) {
	if name != wholeWay {
		return b.load(ctx, w, name)
	}
	s, _, err := b.startUp(ctx)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	r, err := b.generate(ctx, s.pid, w, ways(s, w.sockets)...)
	if err != nil {
		return nil, err
	}
	return []measure.Result{r}, nil
}

// wholeWay is quotewire up, with its functions and tables.
const wholeWay = "quotewire up"

// loading bounds the time in which the tables are filled.
const loading = 2 * time.Minute

// tables measures what a publish to a few sockets costs while the tables hold more and more watches of others.
func (b *bench) tables(ctx context.Context, w workload, _ string) (all []measure.Result, err error) {
	s, dir, err := b.startUp(ctx)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	e, err := cloud.ReadEndpoints(dir)
	if err != nil {
		return nil, err
	}
	root, err := cloud.ReadRoot(dir)
	if err != nil {
		return nil, err
	}
	client := sdk.NewFromConfig(aws.Config{
		Region: e.Region, BaseEndpoint: &e.Cloud, Credentials: credentials.NewStaticCredentialsProvider(root.AccessKeyID, root.SecretAccessKey, ""),
	})
	store := dynamodb.New(client, dynamodb.TablesFrom(func(string) string { return "" }))
	began := time.Now()
	const each = 1000 // tickers of one user
	for users, size := 0, 1000; size <= w.watches; size *= 10 {
		for ; users*each < size; users++ {
			if time.Since(began) > loading {
				return all, fmt.Errorf("the tables had %d watches after %v, and no more were written", users*each, loading)
			}
			list := make([]quotes.Ticker, each)
			for i := range list {
				list[i] = quotes.Ticker(fmt.Sprintf("X%c%c%c", 'A'+i/676, 'A'+i/26%26, 'A'+i%26))
			}
			user := quotes.User(fmt.Sprintf("load%06d", users))
			if err := store.Load(ctx, nil, map[quotes.User][]quotes.Ticker{user: list}); err != nil {
				return all, err
			}
		}
		w := w
		w.name = fmt.Sprintf("tables:%d", size)
		r, err := b.generate(ctx, s.pid, w, ways(s, w.sockets)...)
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
	return all, nil
}

// trip is what bench/roundtrip prints: of messages through a function and back, and of cold starts.
type trip struct {
	Workload  string
	Sockets   int
	Trips     int
	PerSecond float64 `json:"per_second"`
	P50       float64 `json:"p50_us"`
	P99       float64 `json:"p99_us"`
	Cloud     float64 `json:"cloud_cpu_us"`
	Function  float64 `json:"function_cpu_us"`
	Functions int
	Starts    int
	Cold      float64 `json:"cold_ms"`
	Warm      float64 `json:"warm_ms"`
	Bare      float64 `json:"bare_ms"`
	Over      float64 `json:"over_ms"`
}

// librariesServer is where the function of the round trip is made of AWS's libraries.
const librariesServer = "quotewire, a function of AWS's libraries"

// roundtrip sends messages through a Go function and back. It has both cores.
func (b *bench) roundtrip(ctx context.Context, w workload, server string) (all []measure.Result, err error) {
	if why := b.unbuilt["roundtrip"]; why != "" {
		return nil, errors.New(why)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(b.bin, "roundtrip"), append([]string{"-binary", filepath.Join(b.bin, "quotewire")}, w.args...)...)
	if server == librariesServer {
		cmd.Args = append(cmd.Args, "-libraries", "-cold", "0")
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, bytes.TrimSpace(errs.Bytes()))
	}
	for d := json.NewDecoder(&out); d.More(); {
		var t trip
		if err := d.Decode(&t); err != nil {
			return all, err
		}
		r := measure.Result{
			Sockets: t.Sockets, Count: t.Trips + t.Starts, PerSecond: t.PerSecond, P50: t.P50, P99: t.P99, ServerUs: t.Cloud + t.Function, Environments: t.Functions,
			Workload: fmt.Sprintf("roundtrip:%d", t.Sockets),
		}
		if t.Starts > 0 {
			r.Workload = "cold"
			r.Cold = &measure.Cold{Cold: t.Cold, Warm: t.Warm, Bare: t.Bare, Over: t.Over}
		}
		all = append(all, r)
	}
	return all, nil
}
