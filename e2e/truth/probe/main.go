// Command probe is the function of the tests in the folder above. It does what its event says: the event itself, the
// body of an event of API Gateway, its query's parameter probe (or the one that the variable PARAMETER names), or the
// variable PROBE holds a command. Without a command it answers with its event.
// With the variable COLLECT it first sends each event to that URL.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

type command struct {
	Do      string            `json:"do"`
	Value   json.RawMessage   `json:"value"`   // return
	Text    string            `json:"text"`    // error, panic, raw, write, print
	Type    string            `json:"type"`    // error
	Code    int               `json:"code"`    // exit
	Ms      int               `json:"ms"`      // sleep, and the patience of fetch, signed and dial
	MB      int               `json:"mb"`      // alloc
	Size    int               `json:"size"`    // big, and what stands for PADDING in the value of return
	Service string            `json:"service"` // signed
	Method  string            `json:"method"`  // fetch, signed
	URL     string            `json:"url"`     // fetch, signed
	Headers map[string]string `json:"headers"` // fetch, signed
	Body    string            `json:"body"`    // fetch, signed
	Address string            `json:"address"` // dial
	Path    string            `json:"path"`    // read, write, list, run
	Args    []string          `json:"args"`    // run
}

type handler struct{}

func main() { lambda.Start(handler{}) }

// Invoke lets a command answer with any bytes, which the library's typed handlers would not.
func (handler) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	if url := os.Getenv("COLLECT"); url != "" {
		if resp, err := http.Post(url, "application/json", bytes.NewReader(event)); err == nil {
			resp.Body.Close()
		}
	}
	return find(event).run(ctx, event)
}

// find returns the command of an event.
func find(event []byte) command {
	var c command
	var outer struct {
		Body                  json.RawMessage   `json:"body"`
		QueryStringParameters map[string]string `json:"queryStringParameters"`
	}
	json.Unmarshal(event, &outer)
	var body string
	if json.Unmarshal(outer.Body, &body) == nil {
		json.Unmarshal([]byte(body), &c)
	}
	parameter := os.Getenv("PARAMETER")
	if parameter == "" {
		parameter = "probe"
	}
	if c.Do == "" {
		json.Unmarshal([]byte(outer.QueryStringParameters[parameter]), &c)
	}
	if c.Do == "" {
		json.Unmarshal(event, &c)
	}
	if c.Do == "" {
		c = command{}
		json.Unmarshal([]byte(os.Getenv("PROBE")), &c)
	}
	return c
}

func (c command) run(ctx context.Context, event []byte) ([]byte, error) {
	switch c.Do {
	case "", "echo":
		return answer(string(event))
	case "return":
		return bytes.ReplaceAll(c.Value, []byte("PADDING"), bytes.Repeat([]byte("x"), c.Size)), nil
	case "raw":
		return []byte(c.Text), nil
	case "error":
		return nil, failure{c.Text, c.Type}
	case "panic":
		panic(c.Text)
	case "exit":
		os.Exit(c.Code)
	case "sleep":
		select {
		case <-time.After(time.Duration(c.Ms) * time.Millisecond):
		case <-ctx.Done():
			select {} // as a function that looks at no deadline
		}
		return answer("slept")
	case "alloc":
		held := make([]byte, c.MB<<20)
		for i := range held {
			held[i] = 1
		}
		return answer(fmt.Sprint(len(held)))
	case "big":
		return json.Marshal(strings.Repeat("x", c.Size))
	case "print":
		fmt.Println(c.Text)
		return answer("printed")
	case "env":
		text, err := json.Marshal(os.Environ())
		if err != nil {
			return nil, err
		}
		return answer(string(text))
	case "read":
		return told(os.ReadFile(c.Path))
	case "write":
		return told([]byte("written"), os.WriteFile(c.Path, []byte(c.Text), 0o600))
	case "list":
		entries, err := os.ReadDir(c.Path)
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return told([]byte(strings.Join(names, "\n")), err)
	case "run":
		return told(exec.CommandContext(ctx, c.Path, c.Args...).CombinedOutput())
	case "dial":
		conn, err := net.DialTimeout("tcp", c.Address, c.patience())
		if err == nil {
			conn.Close()
		}
		return told([]byte("connected"), err)
	case "fetch", "signed":
		return c.fetch(ctx)
	}
	return nil, failure{"the probe has no command " + c.Do, "Probe"}
}

// failure is an error that the library reports under its own type.
type failure struct{ text, kind string }

func (f failure) Error() string { return f.text }

// answer is a proxy response, which direct callers can read as well.
func answer(text string) ([]byte, error) {
	return json.Marshal(map[string]any{"statusCode": 200, "body": text})
}

// told answers with a text, or with the error as "error: …".
func told(text []byte, err error) ([]byte, error) {
	if err != nil {
		return answer("error: " + err.Error() + "\n" + string(text))
	}
	return answer(string(text))
}

func (c command) patience() time.Duration {
	if c.Ms == 0 {
		return 10 * time.Second
	}
	return time.Duration(c.Ms) * time.Millisecond
}

// fetch makes an HTTP request, signed with the function's credentials if asked for, and answers "STATUS BODY".
func (c command) fetch(ctx context.Context) ([]byte, error) {
	if c.Method == "" {
		c.Method = "GET"
	}
	r, err := http.NewRequestWithContext(ctx, c.Method, c.URL, strings.NewReader(c.Body))
	if err != nil {
		return nil, err
	}
	for name, value := range c.Headers {
		r.Header.Set(name, value)
	}
	if c.Do == "signed" {
		key := aws.Credentials{AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN")}
		sum := sha256.Sum256([]byte(c.Body))
		if c.Service == "s3" {
			r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
		}
		if err := v4.NewSigner().SignHTTP(ctx, key, r, hex.EncodeToString(sum[:]), c.Service, os.Getenv("AWS_REGION"), time.Now()); err != nil {
			return nil, err
		}
	}
	client := http.Client{Timeout: c.patience()}
	resp, err := client.Do(r)
	if err != nil {
		return told(nil, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return told(fmt.Appendf(nil, "%d %s", resp.StatusCode, body), err)
}
