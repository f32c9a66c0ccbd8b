package truth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A function is given the means to look at everything, and looks for what another one has and for what the machine's
// owner has.
func TestIsolationOfFunctions(t *testing.T) {
	t.Parallel()
	c := shared(t)
	py, js := c.boto3(t), c.js(t)
	const source = "Lambda §7"

	marker := unique("marker-of-the-victim")
	victim := c.function(t, "victim", variable("SECRET", marker), code(zipWith(t,
		zipFile{"bootstrap", 0o755, answering("touch /tmp/" + marker + "; echo $AWS_LAMBDA_RUNTIME_API; echo $AWS_SECRET_ACCESS_KEY; echo $AWS_ACCESS_KEY_ID")},
		zipFile{marker + ".go", 0o644, "secret code"})))
	var told string
	if err := json.Unmarshal([]byte(invokeBy(t, py, victim, "{}").Payload), &told); err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(told)
	if len(lines) != 3 {
		t.Fatalf("the victim answered %q", told)
	}
	runtimeAPI, secret, key := lines[0], lines[1], lines[2]
	attacker := c.function(t, "attacker", variable("DECOY", "decoy"))

	// everywhere prints the names of all files that there are, but for the machine's programs.
	const everywhere = "find / -path /proc -prune -o -path /usr -prune -o -path /var/lang -prune -o -print 2>/dev/null"

	rule(t, "a function sees no process but its own", source, boto3, func(t *testing.T) {
		confined(t, c)
		got := shell(t, py, attacker, "for p in /proc/[0-9]*; do tr '\\0\\n' '  ' <$p/cmdline; echo; done")
		for line := range strings.Lines(got) {
			line = strings.TrimSpace(line)
			if line != "" && !strings.HasPrefix(line, "quotewire-sandbox") && !strings.HasPrefix(line, "/var/task/bootstrap") &&
				!strings.HasPrefix(line, "/bin/sh") && !strings.HasPrefix(line, "tr ") {
				t.Errorf("sees %q", line)
			}
		}
	})
	rule(t, "a function reads the variables of no other function", source, boto3, func(t *testing.T) {
		confined(t, c)
		got := shell(t, py, attacker, "cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep -e DECOY -e SECRET=")
		if !strings.Contains(got, "DECOY=decoy") || strings.Contains(got, marker) {
			t.Errorf("reads %q", got)
		}
	})
	rule(t, "a function reads the credentials of no other function", source, jsSDK, func(t *testing.T) {
		confined(t, c)
		got := shell(t, js, attacker, fmt.Sprintf("(cat /proc/[0-9]*/environ; cat /proc/[0-9]*/cmdline; cat /tmp/* /var/task/* /var/runtime/*) 2>/dev/null | grep -c -a -e '[%s]%s' -e '[%s]%s'",
			secret[:1], secret[1:], key[:1], key[1:])) // the brackets keep the search from finding itself
		if got != "0" {
			t.Errorf("finds them: %q", got)
		}
	})
	rule(t, "a function sees the code of no other function", source, boto3, func(t *testing.T) {
		confined(t, c)
		if got := shell(t, py, attacker, everywhere+" | grep "+marker+" || echo none; "+everywhere+" | grep -c /var/task/bootstrap"); got != "none\n1" {
			t.Errorf("finds %q", got)
		}
	})
	rule(t, "a function sees the /tmp of no other function", source, jsSDK, func(t *testing.T) {
		confined(t, c)
		if got := shell(t, js, attacker, "touch /tmp/mine; "+everywhere+" | grep -e ^/tmp/mine -e "+marker); got != "/tmp/mine" {
			t.Errorf("finds %q", got)
		}
	})
	rule(t, "two execution environments of one function do not share /tmp", source, boto3, func(t *testing.T) {
		confined(t, c)
		f := c.function(t, "twins")
		var both sync.WaitGroup // who is in the middle of an invocation
		both.Add(2)
		meeting := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			both.Done()
			both.Wait()
		}))
		defer meeting.Close()
		seen := make([]string, 2)
		var asked sync.WaitGroup
		for i := range seen {
			asked.Go(func() {
				seen[i] = shell(t, py, f, fmt.Sprintf("touch /tmp/file-%d; curl -sS %s; ls /tmp", i, meeting.URL))
			})
		}
		asked.Wait()
		if seen[0] != "file-0" || seen[1] != "file-1" {
			t.Errorf("they see %q", seen)
		}
	})
	rule(t, "the Runtime API of a function answers no other function", "Lambda §6", boto3, func(t *testing.T) {
		confined(t, c)
		script := `curl -sS -m 5 http://` + runtimeAPI + `/2018-06-01/runtime/invocation/next; echo status $?`
		got := shell(t, py, attacker, script)
		if !strings.HasSuffix(got, "status 52") && !strings.HasSuffix(got, "status 56") || strings.Contains(got, "errorType") { // an empty answer, or a reset
			t.Errorf("it answers %q", got)
		}
		if i := invokeBy(t, py, victim, "{}"); i.Error != "" {
			t.Errorf("the victim answers %+v", i)
		}
	})
	rule(t, "the Runtime API of a function answers nobody else on the machine", "Lambda §6", httpClient, func(t *testing.T) {
		confined(t, c)
		if resp, err := c.Client(t).Get("http://" + runtimeAPI + "/2018-06-01/runtime/invocation/next"); err == nil {
			resp.Body.Close()
			t.Errorf("it answers %s", resp.Status)
		}
	})
	rule(t, "every process of a function reaches the function's own Runtime API", "Lambda §6", boto3, func(t *testing.T) {
		got := shell(t, py, attacker, `curl -sS -m 5 -o /dev/null -w '%{http_code}' -X POST http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/another/response`)
		if got != "400" {
			t.Errorf("got %q", got)
		}
	})
	rule(t, "a function sees neither the cloud's folder nor the root's credential nor the authority's key", source, boto3, func(t *testing.T) {
		confined(t, c)
		for _, name := range []string{"credentials", "ca-key.pem", "lambda", "."} {
			path := filepath.Join(c.Dir, name)
			if _, err := os.Stat(path); err != nil {
				t.Fatal(err)
			}
			if got := obey(t, py, attacker, params{"do": "list", "path": path}); !strings.Contains(got, "no such file") {
				t.Errorf("%s: %q", name, got)
			}
		}
		if got := shell(t, py, attacker, everywhere+" | grep -e ca-key.pem -e endpoints.json -e '/credentials$' || echo none"); got != "none" {
			t.Errorf("finds %q", got)
		}
	})
	rule(t, "a function sees nothing in the homes of the machine's users", source, jsSDK, func(t *testing.T) {
		confined(t, c)
		if got := shell(t, js, attacker, "ls -A /root /home 2>/dev/null; echo $?"); got != "2" {
			t.Errorf("sees %q", got)
		}
	})
	rule(t, "a function does not reach the cloud's process or the machine's by signal", source, boto3, func(t *testing.T) {
		confined(t, c)
		if got := shell(t, py, attacker, fmt.Sprintf("kill -0 %d; kill -0 %d; kill -0 1", os.Getpid(), os.Getppid())); strings.Count(got, "No such process") != 2 {
			t.Errorf("got %q", got)
		}
	})
	rule(t, "a function is not root, has no capability and no way to one", source, boto3, func(t *testing.T) {
		confined(t, c)
		got := shell(t, py, attacker, "id -un; id -u | grep -cx 0; grep -E '^(Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs)' /proc/self/status | awk '{print $2}' | tr '\\n' ' '")
		want := "sbx_user1051\n0\n" + strings.Repeat("0000000000000000 ", 4) + "1"
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	rule(t, "a function can neither mount, nor make devices, nor change its limits or the clock", source, boto3, func(t *testing.T) {
		confined(t, c)
		got := shell(t, py, attacker, "mount -t tmpfs x /tmp && echo mounted; mknod /tmp/disk b 8 0 && echo made; ulimit -n 5000 && echo raised; date -s 2000-01-01 >/dev/null && echo changed; chroot / true && echo rooted; true")
		for _, word := range []string{"mounted", "made", "raised", "changed", "rooted"} {
			for line := range strings.Lines(got) {
				if strings.TrimSpace(line) == word {
					t.Errorf("it %s: %q", word, got)
				}
			}
		}
	})
	rule(t, "a function does not read what the first process of its sandbox has", source, boto3, func(t *testing.T) {
		confined(t, c)
		if got := shell(t, py, attacker, "cat /proc/1/environ >/dev/null && echo reads; ls /proc/1/root /proc/1/fd >/dev/null && echo lists; true"); strings.Contains(got, "reads") || strings.Contains(got, "lists") {
			t.Errorf("got %q", got)
		}
	})
}
