package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
	"golang.org/x/term"

	"quotewire/cloud"
)

// onTerminal is a quotewire that somebody runs on a terminal.
type onTerminal struct {
	t      *testing.T
	cmd    *exec.Cmd
	side   *os.File      // the person's
	exited chan struct{} // closed when it has ended
	over   chan struct{} // closed when nothing more is shown
	before *term.State   // of the terminal
	after  *term.State   // the same when it has ended

	mu      sync.Mutex
	vt      vt10x.Terminal // guarded by mu
	raw     bytes.Buffer   // guarded by mu: what was written to the terminal
	changed *sync.Cond     // of what mu guards
}

// site is a cloud behind a gate, and a folder to work in.
type site struct {
	t    *testing.T
	gate *gate
	dir  string
	env  []string
}

// Two things that wait for nothing and for each other only if they are made one at a time.
const twoThings = `Prices, and what is written about them.

    target prices
        ensure aws.DynamoDB.Table "prices"
            @teardown delete
            Fields <= aws.DynamoFields
                ticker string
                    @Key hash
        ensure aws.Logs.LogGroup "/prices/which-has-a-name-that-is-longer-than-a-narrow-terminal"
            @teardown delete
`

func newSite(t *testing.T) *site {
	t.Helper()
	if _, _, err := pty.Open(); err != nil {
		t.Skipf("no pseudo terminals here: %v", err)
	}
	dir := t.TempDir()
	c, err := cloud.Start(context.Background(), cloud.Config{Dir: filepath.Join(dir, "state"), Listen: "127.0.0.1:0", Region: "us-east-1", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	g, err := newGate(c.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.close)
	if err := os.WriteFile(filepath.Join(dir, "two.dply"), []byte(twoThings), 0o644); err != nil {
		t.Fatal(err)
	}
	root := c.Root()
	return &site{t: t, gate: g, dir: dir, env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TERM=xterm-256color", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_REGION=us-east-1", "AWS_ENDPOINT_URL=" + g.URL, "AWS_ACCESS_KEY_ID=" + root.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + root.SecretAccessKey}}
}

// command is a quotewire that is not started.
func (s *site) command(args ...string) *exec.Cmd {
	cmd := exec.Command("quotewire", args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	return cmd
}

// must runs a quotewire without a terminal and returns what it prints.
func (s *site) must(args ...string) string {
	s.t.Helper()
	out, err := s.command(args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// start runs a quotewire on a terminal of that width.
func (s *site) start(columns int, cmd *exec.Cmd) *onTerminal {
	s.t.Helper()
	o := &onTerminal{t: s.t, cmd: cmd, exited: make(chan struct{}), over: make(chan struct{}), vt: vt10x.New(vt10x.WithSize(columns, 24))}
	o.changed = sync.NewCond(&o.mu)
	side, programs, err := pty.Open()
	if err != nil {
		s.t.Fatal(err)
	}
	o.side = side
	if err := pty.Setsize(programs, &pty.Winsize{Rows: 24, Cols: uint16(columns)}); err != nil {
		s.t.Fatal(err)
	}
	if o.before, err = term.GetState(int(programs.Fd())); err != nil {
		s.t.Fatal(err)
	}
	for _, f := range []struct {
		is  bool
		set func()
	}{{cmd.Stdin == nil, func() { cmd.Stdin = programs }}, {cmd.Stdout == nil, func() { cmd.Stdout = programs }}, {cmd.Stderr == nil, func() { cmd.Stderr = programs }}} {
		if f.is {
			f.set()
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		cmd.Wait()
		o.after, _ = term.GetState(int(programs.Fd()))
		programs.Close() // then the person's side has an end as well
		close(o.exited)
	}()
	go o.watch()
	s.t.Cleanup(func() { cmd.Process.Kill(); <-o.exited; <-o.over; side.Close() })
	return o
}

func (o *onTerminal) watch() {
	defer close(o.over)
	defer o.changed.Broadcast()
	piece := make([]byte, 4096)
	for {
		n, err := o.side.Read(piece)
		o.mu.Lock()
		o.raw.Write(piece[:n])
		o.vt.Write(piece[:n])
		o.mu.Unlock()
		o.changed.Broadcast()
		if err != nil {
			return
		}
	}
}

// screen is what is shown, without the empty rows below; the caller holds mu.
func (o *onTerminal) screen() string {
	rows := strings.Split(o.vt.String(), "\n")
	for i, r := range rows {
		rows[i] = strings.TrimRight(r, " ")
	}
	return strings.TrimRight(strings.Join(rows, "\n"), "\n")
}

// shows waits until the screen matches.
func (o *onTerminal) shows(pattern string) string {
	o.t.Helper()
	want := regexp.MustCompile(pattern)
	late := false
	timer := time.AfterFunc(time.Minute, func() { o.mu.Lock(); late = true; o.mu.Unlock(); o.changed.Broadcast() })
	defer timer.Stop()
	o.mu.Lock()
	defer o.mu.Unlock()
	for !want.MatchString(o.screen()) {
		if late {
			o.t.Fatalf("the screen does not show %s, but\n%s", pattern, o.screen())
		}
		select {
		case <-o.over:
			o.t.Fatalf("it has ended, and the screen does not show %s, but\n%s", pattern, o.screen())
		default:
		}
		o.changed.Wait()
	}
	return o.screen()
}

func (o *onTerminal) types(text string) {
	o.t.Helper()
	if _, err := io.WriteString(o.side, text); err != nil {
		o.t.Fatal(err)
	}
}

const ctrlC = "\x03"

// ends waits for the end and returns the last screen. It holds that the status is this one and that the terminal is as it was.
func (o *onTerminal) ends(status int) string {
	o.t.Helper()
	timer := time.AfterFunc(time.Minute, func() { o.t.Error("it does not end"); o.cmd.Process.Kill() })
	<-o.exited
	<-o.over
	timer.Stop()
	o.mu.Lock()
	defer o.mu.Unlock()
	if got := o.cmd.ProcessState.ExitCode(); got != status {
		o.t.Errorf("it ends with %d, want %d; the screen shows\n%s", got, status, o.screen())
	}
	if !reflect.DeepEqual(o.after, o.before) {
		o.t.Errorf("the terminal is left in another state: %+v, was %+v", o.after, o.before)
	}
	if !o.vt.CursorVisible() {
		o.t.Error("the cursor is left hidden")
	}
	if at := o.vt.Cursor(); at.X != 0 && status >= 0 {
		o.t.Errorf("the cursor is left in column %d, behind\n%s", at.X, o.screen())
	}
	return o.screen()
}

func TestTerminalShowsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	for _, columns := range []int{110, 40} {
		s := newSite(t)
		s.gate.hold("CreateLogGroup", true)
		o := s.start(columns, s.command("deploy", "--yes", "two.dply"))
		o.shows(`(?s)\+ table prices  \d+\.\ds\n`)  // done
		o.shows(`(?m)^… log group /prices/whi.*s$`) // being tried again
		s.gate.release()
		screen := o.ends(0)
		if strings.Contains(screen, "…") || !strings.Contains(strings.ReplaceAll(screen, "\n", ""), "than-a-narrow-terminal  ") {
			t.Errorf("with %d columns there is left\n%s", columns, screen)
		}
	}
}

func TestTerminalSaysWhatIsAwaited(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.gate.hold("CreateTable", true)
	o := s.start(110, s.command("deploy", "--yes", "two.dply"))
	o.shows(`(?m)^… table prices: waiting .* \d+\.\ds$`)
	s.gate.release()
	o.ends(0)
}

// Whoever wants no colours still wants to see what is under way; a terminal that cannot move its cursor shows plain lines.
func TestTerminalThatTakesLess(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		env    string
		never  *regexp.Regexp
		lively bool
	}{
		{"NO_COLOR=1", regexp.MustCompile(`\x1b\[[0-9;]*m`), true},
		{"TERM=dumb", regexp.MustCompile(`\x1b`), false},
	} {
		s := newSite(t)
		s.env = append(s.env, tc.env)
		s.gate.hold("CreateTable", true)
		o := s.start(110, s.command("deploy", "two.dply"))
		o.shows(`Go on\? \[y/N\]$`)
		o.types("y\n")
		o.shows(`… table prices: waiting `)
		s.gate.release()
		screen := o.ends(0)
		if got := tc.never.FindString(o.raw.String()); got != "" {
			t.Errorf("%s: it writes %q", tc.env, got)
		}
		if gone := !strings.Contains(screen, "waiting"); gone != tc.lively {
			t.Errorf("%s: in the end the screen shows\n%s", tc.env, screen)
		}
	}
}

func TestCtrlCAtTheQuestion(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, verb := range []string{"deploy", "destroy"} {
		o := s.start(110, s.command(verb, "two.dply"))
		o.shows(`Go on\? \[y/N\]$`)
		o.types(ctrlC)
		if screen := o.ends(130); !strings.Contains(screen, "nothing was changed") {
			t.Errorf("%s: the screen shows\n%s", verb, screen)
		}
		o = s.start(110, s.command(verb, "two.dply"))
		o.shows(`Go on\? \[y/N\]$`)
		o.types("\x04") // Ctrl-D
		if screen := o.ends(130); !strings.Contains(screen, "nothing was changed") {
			t.Errorf("%s: the screen shows\n%s", verb, screen)
		}
		if out := s.must("plan", "two.dply"); verb == "deploy" && !strings.Contains(out, "2 to create") {
			t.Errorf("the plan is now\n%s", out)
		}
		s.must("deploy", "--yes", "two.dply")
	}
}

// The call under way is finished, nothing more is begun, and the next run goes on from there.
func TestCtrlCInARun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, run := range []struct{ verb, call, notDone, again string }{
		{"deploy", "CreateTable", "log group", `1 created, 1 unchanged`},
		{"destroy", "DeleteLogGroup", "table prices", `1 deleted`},
	} {
		s.gate.hold(run.call, false)
		o := s.start(110, s.command(run.verb, "--yes", "--parallel", "1", "two.dply"))
		s.gate.wait(t)
		o.types(ctrlC)
		o.shows(`! stopping: what is under way is finished`)
		s.gate.release()
		screen := o.ends(130)
		for _, want := range []string{`  ` + run.notDone + `[^\n]*: not done`, `not done  \d`, `interrupted; run it again to go on`} {
			if !regexp.MustCompile(want).MatchString(screen) {
				t.Errorf("%s: no %s in\n%s", run.verb, want, screen)
			}
		}
		if out := s.must(run.verb, "--yes", "two.dply"); !regexp.MustCompile(run.again).MatchString(out) {
			t.Errorf("the next %s says\n%s\nwant %s", run.verb, out, run.again)
		}
	}
}

func TestSecondCtrlCDoesNotWait(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.gate.hold("CreateTable", false)
	o := s.start(110, s.command("deploy", "--yes", "two.dply"))
	s.gate.wait(t)
	o.types(ctrlC)
	o.shows(`! stopping`)
	o.types(ctrlC)
	o.ends(-1) // by the signal, which a shell shows as 130
	if got := o.cmd.ProcessState.Sys().(syscall.WaitStatus).Signal(); got != syscall.SIGINT {
		t.Errorf("it is ended by %v", got)
	}
	s.gate.release()
	s.must("deploy", "--yes", "two.dply")
}

func TestCtrlCInAPlan(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.must("deploy", "--yes", "two.dply")
	for _, verb := range []string{"plan", "drift", "deploy", "destroy"} {
		s.gate.hold("DescribeTable", false)
		o := s.start(110, s.command(verb, "two.dply"))
		s.gate.wait(t)
		o.shows(`… reading what exists`)
		o.types(ctrlC)
		if screen := o.ends(130); strings.Contains(screen, "…") {
			t.Errorf("%s: the screen shows\n%s", verb, screen)
		}
		s.gate.release()
	}
}

// What is shown and asked goes to a terminal, wherever the output goes.
func TestQuestionFindsTheTerminal(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	out, err := os.Create(filepath.Join(s.dir, "out.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd := s.command("deploy", "two.dply")
	cmd.Stdout, cmd.Stderr = out, out
	o := s.start(110, cmd)
	if screen := o.shows(`Go on\? \[y/N\]$`); !strings.Contains(screen, "2 to create") {
		t.Errorf("it asks about nothing:\n%s", screen)
	}
	o.types("y\n")
	o.ends(0)
	if text, _ := os.ReadFile(out.Name()); !regexp.MustCompile(`^\+ [^\x1b]*= 2 created`).Match(text) {
		t.Errorf("the file has\n%s", text)
	}
}

// Whoever reads the output may leave, as head does: what was agreed to is done.
func TestOutputThatNobodyReads(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ours, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ours.Close()
	cmd := s.command("deploy", "--yes", "--parallel", "1", "two.dply")
	cmd.Stdout = theirs
	if err := cmd.Run(); err != nil {
		t.Error(err)
	}
	theirs.Close()
	if out := s.must("plan", "two.dply"); !strings.Contains(out, "nothing to do, 2 left") {
		t.Errorf("the plan is then\n%s", out)
	}
}

// A terminal that is closed is a Ctrl-C.
func TestTerminalThatIsClosed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.gate.hold("CreateTable", false)
	ours, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	// Whoever runs the tests under nohup has them ignore the signal, and so would all that they start.
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGHUP)
	defer signal.Stop(heard)
	cmd := s.command("deploy", "--yes", "--parallel", "1", "two.dply")
	cmd.Stdout = theirs
	o := s.start(110, cmd)
	theirs.Close()
	s.gate.wait(t)
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil { // as the system does when the terminal is closed
		t.Fatal(err)
	}
	lines := bufio.NewScanner(ours)
	for lines.Scan() && !strings.Contains(lines.Text(), "stopping") {
	}
	s.gate.release()
	<-o.exited
	if got := o.cmd.ProcessState.ExitCode(); got != 130 {
		t.Errorf("it ends with %d, want 130", got)
	}
	if out := s.must("plan", "two.dply"); !strings.Contains(out, "1 to create, 1 left") {
		t.Errorf("the plan is then\n%s", out)
	}
}

func TestTerminalThatIsMadeNarrower(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.gate.hold("CreateTable", false)
	o := s.start(110, s.command("deploy", "--yes", "--parallel", "1", "two.dply"))
	s.gate.wait(t)
	o.shows(`(?m)^… create table prices \d`)
	o.mu.Lock()
	err := pty.Setsize(o.side, &pty.Winsize{Rows: 24, Cols: 24})
	o.vt.Resize(24, 24)
	o.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	o.shows(`(?m)^… create table p[a-z]*… \d`)
	s.gate.release()
	if screen := o.ends(0); strings.Contains(screen, "…") {
		t.Errorf("the screen shows\n%s", screen)
	}
}
