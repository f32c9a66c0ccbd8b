package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// coldStarts is what the first invocation of an environment costs. Times are medians, in milliseconds.
type coldStarts struct {
	Workload string  `json:"workload"`
	Starts   int     `json:"starts"`
	Cold     float64 `json:"cold_ms"` // an invocation that has to make an environment first
	Warm     float64 `json:"warm_ms"` // one that has not
	Bare     float64 `json:"bare_ms"` // the same program started without a cloud, until it has answered its first event
	Over     float64 `json:"over_ms"` // what the cloud adds to the start of the process
}

func (s *stack) coldStart(ctx context.Context, n int) (*coldStarts, error) {
	var cold, warm, bare []time.Duration
	invoke := func() (time.Duration, error) {
		begin := time.Now()
		out, err := s.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String(function), Payload: []byte("{}")})
		if err == nil && out.FunctionError != nil {
			err = fmt.Errorf("the function failed: %s", out.Payload)
		}
		return time.Since(begin), err
	}
	for i := range n {
		// Another configuration is another environment.
		_, err := s.lambda.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
			FunctionName: aws.String(function), Environment: &types.Environment{Variables: map[string]string{"TURN": strconv.Itoa(i)}},
		})
		if err == nil {
			err = s.settled(ctx)
		}
		if err != nil {
			return nil, err
		}
		// The environment that this one stands in for has to be gone first, and the spare sandbox there: starts that
		// come one after the other would wait for the processor, not for the cloud.
		time.Sleep(200 * time.Millisecond)
		for _, times := range []*[]time.Duration{&cold, &warm} {
			took, err := invoke()
			if err != nil {
				return nil, err
			}
			*times = append(*times, took)
		}
		took, err := startBare(ctx, s.program)
		if err != nil {
			return nil, err
		}
		bare = append(bare, took)
	}
	median := func(times []time.Duration) float64 {
		slices.Sort(times)
		return microseconds(times[len(times)/2]) / 1000
	}
	r := &coldStarts{Workload: "coldstart", Starts: n, Cold: median(cold), Warm: median(warm), Bare: median(bare)}
	r.Over = r.Cold - r.Warm - r.Bare
	return r, nil
}

// startBare starts the function's program as it is and plays the Runtime API for one event. It returns how long that took,
// from before the start to the answer.
func startBare(ctx context.Context, program string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	answered := make(chan struct{})
	asked := 0
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			io.Copy(io.Discard, r.Body)
			w.WriteHeader(http.StatusAccepted)
			close(answered)
			return
		}
		if asked++; asked > 1 {
			<-ctx.Done()
			return
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:111122223333:function:"+function)
		io.WriteString(w, "{}")
	})}
	go server.Serve(l)
	defer server.Close()
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), "AWS_LAMBDA_RUNTIME_API="+l.Addr().String(), "AWS_REGION=us-east-1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=1024")
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	select {
	case <-answered:
		return time.Since(begin), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("%s did not answer its first event: %w", program, ctx.Err())
	}
}
