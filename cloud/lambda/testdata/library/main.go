// Command library is a function on AWS's library for Go. Its event says what it does.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type request struct {
	Do    string
	Text  string
	Size  int
	Code  int
	Dial  string // where to report to, and to wait for the end of the connection
	Lines []string
}

var calls int

func handle(ctx context.Context, r request) (any, error) {
	calls++
	switch r.Do {
	case "echo":
		return r.Text, nil
	case "error":
		return nil, errors.New(r.Text)
	case "panic":
		panic(r.Text)
	case "exit":
		os.Exit(r.Code)
	case "hang":
		fmt.Println("about to hang")
		time.Sleep(time.Hour)
	case "big":
		return strings.Repeat("x", r.Size), nil
	case "print":
		for i, line := range r.Lines {
			if i%2 == 0 {
				fmt.Fprintln(os.Stdout, line)
			} else {
				fmt.Fprintln(os.Stderr, line)
			}
		}
	case "variables":
		return os.Environ(), nil
	case "child":
		child := exec.Command("sleep", "1000")
		if err := child.Start(); err != nil {
			return nil, err
		}
		return map[string]any{"Pids": []int{os.Getpid(), child.Process.Pid}, "Stream": lambdacontext.LogStreamName}, nil
	case "file":
		_, err := os.Stat(filepath.Join(os.TempDir(), "file"))
		os.WriteFile(filepath.Join(os.TempDir(), "file"), nil, 0o600)
		return err == nil, nil
	case "meet":
		conn, err := net.Dial("tcp", r.Dial)
		if err != nil {
			return nil, err
		}
		fmt.Fprintln(conn, os.Getpid(), lambdacontext.LogStreamName)
		io.Copy(io.Discard, conn)
	}
	lc, _ := lambdacontext.FromContext(ctx)
	dir, _ := os.Getwd()
	return map[string]any{
		"Pid": os.Getpid(), "Calls": calls, "ARN": lc.InvokedFunctionArn, "Version": lambdacontext.FunctionVersion, "RequestID": lc.AwsRequestID, "Stream": lambdacontext.LogStreamName,
		"Dir": dir, "Build": os.Getenv("BUILD"), "Client": lc.ClientContext.Custom["who"],
	}, nil
}

func main() {
	switch os.Getenv("INIT") {
	case "exit":
		fmt.Println("no, not today")
		os.Exit(3)
	case "hang":
		time.Sleep(time.Hour)
	case "hang once":
		flag := filepath.Join(os.TempDir(), "started")
		if _, err := os.Stat(flag); err != nil {
			os.WriteFile(flag, nil, 0o600)
			time.Sleep(time.Hour)
		}
	case "sigterm":
		lambda.StartWithOptions(func(ctx context.Context, e json.RawMessage) (json.RawMessage, error) { return e, nil },
			lambda.WithEnableSIGTERM(func() {
				conn, err := net.Dial("tcp", os.Getenv("GOODBYE"))
				if err == nil {
					fmt.Fprintln(conn, "goodbye")
					conn.Close()
				}
			}))
		return
	}
	lambda.Start(handle)
}
