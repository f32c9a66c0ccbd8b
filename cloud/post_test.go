package cloud

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"regexp"
	"strings"
	"testing"
)

// ids are what differs between two answers to the same request.
var ids = regexp.MustCompile(`(?m)^(X-Amzn-Requestid|X-Amz-Apigw-Id|Date): .*$|"requestId":"[^"]*"`)

// A post is answered by net/http or without it (see the package front), and its client cannot tell which.
func TestPostsAreAnsweredAlikeWithAndWithoutNetHTTP(t *testing.T) {
	t.Parallel()
	p := startPoster(t)
	go io.Copy(io.Discard, p.client)
	may := "execute-api:ManageConnections arn:aws:execute-api:us-east-1:111122223333:" + p.api + "/test/POST/@connections/*"
	good := string(p.request(t, quote))
	_, connection := p.open(t)
	requests := map[string]string{
		"good":                   good,
		"by its API":             strings.Replace(good, "POST /", "POST /_aws/execute-api/"+p.api+"/", 1), // signed for another path
		"escaped":                strings.Replace(good, "/@connections/", "/%40connections/", 1),
		"another body":           strings.Replace(good, "EIQQ", "EIQR", 1),
		"another key":            strings.Replace(good, p.key.AccessKeyID, "AKIAIOSFODNN7EXAMPLE", 1),
		"another stage":          strings.Replace(good, "/test/", "/nope/", 1),
		"another region":         strings.Replace(good, "us-east-1", "eu-west-1", 1),
		"another date":           strings.Replace(good, "X-Amz-Date: 2", "X-Amz-Date: 1", 1),
		"no date":                strings.Replace(good, "X-Amz-Date", "X-Date", 1),
		"unsigned":               strings.Replace(good, "Authorization", "X-Authorization", 1),
		"a malformed signature":  strings.Replace(good, "SignedHeaders=", "Signed=", 1),
		"a token":                strings.Replace(good, "X-Amz-Date", "X-Amz-Security-Token: x\r\nX-Amz-Date", 1),
		"a foreign page":         strings.Replace(good, "X-Amz-Date", "Origin: https://evil.example\r\nX-Amz-Date", 1),
		"a foreign name":         strings.Replace(good, "Host: "+p.address, "Host: evil.example", 1),
		"a page of this machine": strings.Replace(good, "X-Amz-Date", "Origin: http://localhost:8080\r\nX-Amz-Date", 1),
		"no text":                string(p.request(t, "\xff")),
		"an empty text":          string(p.request(t, "")),
	}
	p.connection = "zz9"
	requests["no id"] = string(p.request(t, quote))
	p.connection = connection
	requests["a connection that is gone"] = string(p.request(t, quote))
	if resp, text := answer(t, sign(t, p.Cloud, p.Root(), "execute-api", "DELETE", "/test/@connections/"+connection, "", "")); resp.StatusCode != http.StatusNoContent {
		t.Fatal(resp.Status, text)
	}
	statuses := map[string]bool{}
	try := func(name, text string) {
		t.Helper()
		var answers [2]string
		for i, first := range []string{"", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"} { // after this one net/http does all
			c, err := net.Dial("tcp", p.address)
			if err != nil {
				t.Fatal(err)
			}
			r := bufio.NewReader(c)
			read := func() string {
				resp, err := http.ReadResponse(r, nil)
				if err != nil {
					return fmt.Sprint(err)
				}
				text, _ := httputil.DumpResponse(resp, true)
				return string(text)
			}
			if first != "" {
				io.WriteString(c, first)
				read()
			}
			io.WriteString(c, text)
			io.WriteString(c, "GET /_quotewire/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
			answers[i] = read()
			statuses[answers[i][:min(12, len(answers[i]))]] = true
			rest, _ := io.ReadAll(r)
			answers[i] = ids.ReplaceAllString(answers[i], "") + fmt.Sprint(bytes.Contains(rest, []byte(`"status":"ok"`)))
			c.Close()
		}
		if answers[0] != answers[1] {
			t.Errorf("%s: without net/http\n%s\nwith it\n%s", name, answers[0], answers[1])
		}
	}
	for name, text := range requests {
		try(name, text)
	}
	p.may("execute-api:ManageConnections arn:aws:execute-api:us-east-1:111122223333:" + p.api + "/test/GET/@connections/*")
	try("denied", good)
	p.may(may)
	try("allowed again", good)
	for _, status := range []string{"200", "400", "403", "410"} {
		if !statuses["HTTP/1.1 "+status] {
			t.Errorf("nothing was answered with %s, only %v", status, statuses)
		}
	}
}
