package lambda

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"quotewire/cloud/iam"
	"quotewire/cloud/logs"
	"quotewire/cloud/state"
)

// waitGone waits until a process is no more, which the kernel does in its own time.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		err := gone(pid)
		if err == nil {
			return
		}
		// A child of nobody may wait as a zombie for an init that does not care in a container.
		if strings.Contains(err.Error(), "Z (zombie)") || zombie(pid) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		syscall.Select(0, nil, nil, nil, &syscall.Timeval{Usec: 1000}) // there is no event to wait for: the process is not our child
	}
}

// hostPid finds the number that this machine has for a process that calls itself pid and logs to that stream: one that
// is confined numbers only those that it sees. It is 0 if there is none.
func hostPid(t testing.TB, pid int, stream string) int {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(all) == 0 {
		return pid // a system without /proc confines nothing
	}
	for _, dir := range all {
		variables, _ := os.ReadFile(dir + "/environ")
		if !strings.Contains(string(variables), "AWS_LAMBDA_LOG_STREAM_NAME="+stream+"\x00") {
			continue
		}
		status, _ := os.ReadFile(dir + "/status")
		for line := range strings.Lines(string(status)) {
			if numbers, ok := strings.CutPrefix(line, "NSpid:"); ok && strings.HasSuffix(strings.TrimSpace(numbers), "\t"+strconv.Itoa(pid)) ||
				ok && strings.TrimSpace(numbers) == strconv.Itoa(pid) {
				host, _ := strconv.Atoi(filepath.Base(dir))
				return host
			}
		}
	}
	t.Fatalf("no process %d logs to %s", pid, stream)
	return 0
}

// family is the function and its child, as the answer to "child" tells them.
func family(t *testing.T, text string) (pids []int) {
	t.Helper()
	var told struct {
		Pids   []int
		Stream string
	}
	if err := json.Unmarshal([]byte(text), &told); err != nil || len(told.Pids) != 2 {
		t.Fatalf("the function told of its child: %q", text)
	}
	for _, pid := range told.Pids {
		pids = append(pids, hostPid(t, pid, told.Stream))
	}
	return pids
}

func zombie(pid int) bool {
	status, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	return strings.Contains(string(status), "State:\tZ")
}

// bothWays runs a test of processes with confined ones, and with those of a machine that confines nothing.
func bothWays(t *testing.T, test func(t *testing.T, edit func(*Config))) {
	for name, unconfined := range map[string]bool{"confined": false, "unconfined": true} {
		if raceEnabled && !unconfined {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, func(c *Config) { c.Unconfined = unconfined })
		})
	}
}

func TestCloseLeavesNoProcessAndNoFolder(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, edit func(*Config)) {
		c := start(t, edit)
		c.function(t, "library")
		m := meet(t)
		text, _ := c.invoke(t, "watch", `{"Do":"child"}`)
		pids := family(t, text)
		busy := make(chan error)
		go func() {
			_, err := c.Invoke(context.Background(), Invocation{Function: "watch", Payload: []byte(m.event())})
			busy <- err
		}()
		running, _ := m.arrival(t)
		c.Close()
		if err := <-busy; err == nil || !strings.Contains(err.Error(), "ServiceException") {
			t.Errorf("the running invocation ended with %v, want a ServiceException", err)
		}
		for _, pid := range []int{pids[0], running} {
			if err := gone(pid); err != nil {
				t.Error(err)
			}
		}
		waitGone(t, pids[1]) // the function's own child is reaped by init
		left, err := os.ReadDir(c.environmentsDir())
		if err != nil || len(left) != 0 {
			t.Errorf("environments left: %v, %v", left, err)
		}
		if _, err := c.Invoke(t.Context(), Invocation{Function: "watch"}); err == nil {
			t.Error("an invocation after Close succeeded")
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestCrashTakesTheChildrenOfAFunctionWithIt(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, edit func(*Config)) {
		c := start(t, edit)
		c.function(t, "library")
		text, _ := c.invoke(t, "watch", `{"Do":"child"}`)
		pids := family(t, text)
		c.invoke(t, "watch", `{"Do":"exit","Code":1}`)
		waitGone(t, pids[1])
	})
}

func TestIdleEnvironmentEnds(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, edit func(*Config)) {
		c := start(t, edit, func(c *Config) { c.IdleTimeout = 50 * time.Millisecond })
		c.function(t, "library")
		m := meet(t)
		done := make(chan error)
		go func() {
			_, err := c.Invoke(context.Background(), Invocation{Function: "watch", Payload: []byte(m.event())})
			done <- err
		}()
		pid, conn := m.arrival(t)
		conn.Close()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		waitGone(t, pid)
		if text, _ := c.invoke(t, "watch", `{}`); !strings.Contains(text, `"Calls":1,`) {
			t.Errorf("the process came back: %s", text)
		}
	})
}

func TestRuntimeThatAsksForItGetsSIGTERM(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, edit func(*Config)) {
		c := start(t, edit, func(c *Config) { c.Grace = time.Minute })
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		goodbye := make(chan string, 1)
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			line, _ := bufio.NewReader(conn).ReadString('\n')
			goodbye <- line
		}()
		c.function(t, "library", env("INIT", "sigterm", "GOODBYE", l.Addr().String()))
		if text, _ := c.invoke(t, "watch", `"hello"`); text != `"hello"` {
			t.Fatal(text)
		}
		c.Close()
		select {
		case line := <-goodbye:
			if line != "goodbye\n" {
				t.Errorf("said %q", line)
			}
		case <-time.After(time.Minute):
			t.Error("the runtime was killed without a SIGTERM")
		}
	})
}

type noLogs struct{}

func (noLogs) Put(context.Context, string, string, []logs.Event) error { return nil }

// parent is this test binary in the role of a cloud that is about to be killed: it prints the ids of its function's
// process and of that one's child, and waits.
func parent() {
	dir := os.Getenv("LAMBDA_TEST_PARENT")
	ctx := context.Background()
	fail := func(err error) {
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	store, err := state.Open(ctx, filepath.Join(dir, "state"), slog.New(slog.DiscardHandler))
	fail(err)
	access, err := iam.New(ctx, iam.Config{
		State: store, Account: account, Region: region, Log: slog.New(slog.DiscardHandler),
		Root: func() iam.Credentials { return iam.Credentials{AccessKeyID: "test", SecretAccessKey: "test"} },
	})
	fail(err)
	s, err := New(ctx, Config{State: store, IAM: access, Logs: noLogs{}, Account: account, Region: region,
		Log: slog.New(slog.DiscardHandler), Dir: filepath.Join(dir, "lambda"), Unconfined: os.Getenv("LAMBDA_TEST_UNCONFINED") != ""})
	fail(err)
	result, err := s.Invoke(ctx, Invocation{Function: "watch", Payload: []byte(`{"Do":"child"}`)})
	fail(err)
	fmt.Println(string(result.Payload))
	select {}
}

func TestKilledCloudLeavesNoProcess(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, edit func(*Config)) {
		dir := t.TempDir()
		c := startIn(t, dir, edit)
		c.function(t, "library")
		c.Close()
		c.State.Close()

		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), "LAMBDA_TEST_PARENT="+dir)
		if c.Unconfined {
			cmd.Env = append(cmd.Env, "LAMBDA_TEST_UNCONFINED=1")
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		pids := family(t, line)
		for _, pid := range pids {
			if gone(pid) == nil {
				t.Fatalf("process %d does not run", pid)
			}
		}
		cmd.Process.Kill()
		cmd.Wait()
		for _, pid := range pids {
			waitGone(t, pid)
		}
		left, _ := os.ReadDir(filepath.Join(dir, "lambda", "environments"))
		if len(left) != 1 {
			t.Errorf("%d folders of environments left by a killed cloud, want 1", len(left))
		}
		again := startIn(t, dir, edit)
		if left, _ := os.ReadDir(again.environmentsDir()); len(left) != 0 {
			t.Errorf("the next start left the folders %v", left)
		}
		if again.info(t, "watch").Calls != 1 {
			t.Error("the function does not run after the restart")
		}
	})
}

func TestDrainHandsOnEverythingThatWasPrintedBefore(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var lines []string // touched under the output's lock, which drain takes as well
	o, err := followOutput(r, func(line []byte, complete bool) {
		lines = append(lines, fmt.Sprintf("%s %v", line, complete))
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		fmt.Fprintf(w, "first %d\n\nhalf", i)
		o.drain()
		o.mu.Lock()
		n := len(lines)
		o.mu.Unlock()
		if n != 2*i+2 {
			t.Fatalf("after %d rounds %d lines were handed on, want %d", i+1, n, 2*i+2)
		}
	}
	w.WriteString(strings.Repeat("x", maxLine))
	w.Close()
	o.close()
	if got := lines[len(lines)-1]; got != "xxxx false" {
		t.Errorf("the end of a line that is too long is %.20q, want the 4 bytes beyond the limit", got)
	}
	if got := len(lines[len(lines)-2]); got != maxLine+len(" false") {
		t.Errorf("the line that is too long was cut at %d bytes, want %d", got, maxLine+len(" false"))
	}
}
