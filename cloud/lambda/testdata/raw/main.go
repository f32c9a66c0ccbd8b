// Command raw speaks the Runtime API without a library and answers with what it was told.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
)

var base = "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/"

func main() {
	if os.Getenv("INIT") == "error" {
		r, _ := http.NewRequest("POST", base+"init/error", strings.NewReader(`{"errorMessage":"no table","errorType":"Function.NoTable"}`))
		r.Header.Set("Lambda-Runtime-Function-Error-Type", "Function.NoTable")
		do(r)
		os.Exit(1)
	}
	if os.Getenv("EXTENSION") != "" {
		extend()
	}
	for {
		res, err := http.Get(base + "invocation/next")
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		payload, _ := io.ReadAll(res.Body)
		res.Body.Close()
		id := res.Header.Get("Lambda-Runtime-Aws-Request-Id")
		answer := func(kind, id, body string) string { return post("invocation/"+id+"/"+kind, body) }
		verb, argument, _ := strings.Cut(strings.Trim(string(payload), `"`), " ")
		switch verb {
		case "stream", "break", "die", "prelude":
			fmt.Println(stream(id, verb, argument))
		case "headers":
			text, _ := json.Marshal(res.Header)
			answer("response", id, string(text))
		case "trailer":
			r, _ := http.NewRequest("POST", base+"invocation/"+id+"/response", io.MultiReader(strings.NewReader(`{"half":`), strings.NewReader("")))
			r.Trailer = http.Header{
				"Lambda-Runtime-Function-Error-Type": {"Function.Broken"},
				"Lambda-Runtime-Function-Error-Body": {base64.StdEncoding.EncodeToString([]byte(`{"errorType":"Function.Broken","errorMessage":"half way"}`))},
			}
			do(r)
		case "disorder":
			var seen []string
			seen = append(seen, answer("response", "another", "1"))
			seen = append(seen, get("invocation/next"))
			text, _ := json.Marshal(seen)
			answer("response", id, string(text))
			fmt.Println("again: " + answer("response", id, "2"))
		case "bytes":
			answer("response", id, "\xff\x00 no JSON")
		default:
			answer("response", id, string(payload))
		}
	}
}

// extend registers an extension that prints its events, and is done with each when the address in EXTENSION hangs up.
func extend() {
	url := strings.Replace(base, "2018-06-01/runtime/", "2020-01-01/extension/", 1)
	call := func(method, path, id, body string) (*http.Response, string) {
		r, _ := http.NewRequest(method, url+path, strings.NewReader(body))
		r.Header.Set("Lambda-Extension-Name", "inner")
		r.Header.Set("Lambda-Extension-Identifier", id)
		r.Header.Set("Lambda-Extension-Function-Error-Type", "Extension.Broken")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return &http.Response{Header: http.Header{}}, err.Error()
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return res, res.Status + " " + string(text)
	}
	_, text := call("POST", "register", "", `{"events":["INVOKE","SHUTDOWN"]}`)
	fmt.Println("shutdown: " + text)
	res, text := call("POST", "register", "", `{"events":["INVOKE"]}`)
	fmt.Println("register: " + text)
	id := res.Header.Get("Lambda-Extension-Identifier")
	if os.Getenv("EXTENSION") == "fail" {
		_, text = call("POST", "init/error", id, "")
		fmt.Println("init/error: " + text)
		select {}
	}
	go func() {
		for {
			_, text := call("GET", "event/next", id, "")
			fmt.Println("event: " + text)
			if conn, err := net.Dial("tcp", os.Getenv("EXTENSION")); err == nil {
				io.Copy(io.Discard, conn)
			}
		}
	}()
}

// stream sends a response in two parts. Between them it waits until whoever listens at the address hangs up.
func stream(id, verb, address string) string {
	body, parts := io.Pipe()
	r, _ := http.NewRequest("POST", base+"invocation/"+id+"/response", body)
	r.Header.Set("Lambda-Runtime-Function-Response-Mode", "streaming")
	r.Header.Set("Content-Type", "text/event-stream")
	if verb == "prelude" {
		r.Header.Set("Content-Type", "application/vnd.awslambda.http-integration-response")
	}
	if verb == "break" {
		r.Trailer = http.Header{"Lambda-Runtime-Function-Error-Type": nil, "Lambda-Runtime-Function-Error-Body": nil}
	}
	go func() {
		if verb == "prelude" {
			io.WriteString(parts, `{"statusCode":201,"headers":{"x-kind":"streamed"},"cookies":["a=b"]}`+"\x00\x00\x00\x00\x00\x00\x00\x00")
		}
		io.WriteString(parts, "one")
		if address != "" {
			conn, err := net.Dial("tcp", address)
			if err == nil {
				io.Copy(io.Discard, conn)
			}
		}
		switch verb {
		case "die":
			os.Exit(1)
		case "break":
			r.Trailer.Set("Lambda-Runtime-Function-Error-Type", "Function.Broken")
			r.Trailer.Set("Lambda-Runtime-Function-Error-Body", base64.StdEncoding.EncodeToString([]byte(`{"errorType":"Function.Broken","errorMessage":"half way"}`)))
		default:
			io.WriteString(parts, "two")
		}
		parts.Close()
	}()
	return do(r)
}

func get(path string) string {
	r, _ := http.NewRequest("GET", base+path, nil)
	return do(r)
}

func post(path, body string) string {
	r, _ := http.NewRequest("POST", base+path, strings.NewReader(body))
	return do(r)
}

func do(r *http.Request) string {
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return res.Status + " " + string(body)
}
