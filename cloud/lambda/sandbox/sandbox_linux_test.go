package sandbox

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func open(t testing.TB) *Sandbox {
	t.Helper()
	s, err := Open(t.TempDir())
	if err != nil {
		t.Skipf("this machine confines no process: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

// begin starts a script.
func begin(t testing.TB, s *Sandbox, script string, edit ...func(*Spec)) *Process {
	t.Helper()
	task, tmp := t.TempDir(), t.TempDir()
	if err := errors.Join(os.Chmod(task, 0o755), os.WriteFile(filepath.Join(task, "bootstrap"), []byte("#!/bin/sh\n"+script), 0o755)); err != nil {
		t.Fatal(err)
	}
	spec := Spec{Program: Task + "/bootstrap", Task: task, Tmp: tmp, Memory: 128 << 20, Files: 1024, Procs: 1024, Env: []string{"PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"}}
	for _, e := range edit {
		e(&spec)
	}
	p, err := s.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		<-p.Exited()
		p.Output.Close()
		for _, f := range p.Sockets {
			f.Close()
		}
	})
	return p
}

// run runs a script to its end and returns what it has printed.
func run(t testing.TB, s *Sandbox, script string, edit ...func(*Spec)) (string, *Process) {
	t.Helper()
	p := begin(t, s, script, edit...)
	text, err := io.ReadAll(p.Output)
	if err != nil {
		t.Fatal(err)
	}
	<-p.Exited()
	return strings.TrimSpace(string(text)), p
}

func TestProgramSeesItsOwnFilesAndTheMachinesPrograms(t *testing.T) {
	t.Parallel()
	s := open(t)
	layers, secret := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	os.Chmod(layers, 0o755)
	for _, name := range []string{filepath.Join(layers, "tool"), secret} {
		if err := os.WriteFile(name, []byte("text\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for script, want := range map[string]string{
		"pwd":                                    "/var/task",
		"ls /":                                   "bin\ndev\netc\n",
		"ls /opt":                                "tool",
		"cat /added":                             "text",
		"ls /home":                               "No such file",
		"ls /root":                               "No such file",
		"ls /sys":                                "No such file",
		"ls /dev/shm":                            "No such file",
		"cat " + secret + " 2>&1 || echo hidden": "hidden",
		"ls /proc/*/cmdline":                     "/proc/1/cmdline",
		"cat /proc/1/environ || echo hidden":     "hidden",
		"ls /proc/1/root || echo hidden":         "hidden",
		"touch x || echo refused":                "Read-only file system",
		"touch /opt/x || echo refused":           "Read-only file system",
		"touch /usr/x || echo refused":           "refused",
		"touch /etc/x || echo refused":           "refused",
		"touch /x || echo refused":               "refused",
		"touch /tmp/x && ls /tmp":                "x",
		"hostname":                               "169.254.100.6",
		"whoami":                                 "sbx_user1051",
		"ulimit -n":                              "1024",
		"ulimit -Hn":                             "1024",
		"grep CapBnd /proc/self/status":          "0000000000000000",
		"grep CapEff /proc/self/status":          "0000000000000000",
		"grep NoNewPrivs /proc/self/status":      "NoNewPrivs:\t1",
		"cat /etc/shadow || echo hidden":         "hidden",
	} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			got, _ := run(t, s, "exec 2>&1\n"+script, func(s *Spec) {
				s.Layers, s.Added = layers, []File{{secret, "/added"}}
			})
			if !strings.Contains(got, want) {
				t.Errorf("printed %q, want %q", got, want)
			}
		})
	}
}

func TestProgramSeesNoProcessButItsOwn(t *testing.T) {
	t.Parallel()
	s := open(t)
	got, _ := run(t, s, "for p in /proc/[0-9]*; do echo ${p#/proc/}; done; kill -9 "+strconv.Itoa(os.Getpid())+" 2>&1")
	lines := strings.Split(got, "\n")
	if len(lines) != 3 || lines[0] != "1" || !strings.Contains(lines[2], "No such process") {
		t.Errorf("it sees %q; want the init, itself, and no other", lines)
	}
}

func TestEndsAreToldAsTheyAre(t *testing.T) {
	t.Parallel()
	s := open(t)
	for script, want := range map[string]string{"exit 0": "0 -1", "exit 7": "7 -1", "kill -9 $$": "-1 9", "kill -SEGV $$": "-1 11", "kill -ABRT $$": "-1 6"} {
		_, p := run(t, s, script)
		status, outOfMemory := p.Status()
		if got := fmt.Sprint(status.ExitStatus(), int(status.Signal())); got != want || outOfMemory {
			t.Errorf("%s: ended with status and signal %s (out of memory: %t), want %s", script, got, outOfMemory, want)
		}
	}
	_, err := s.Start(Spec{Program: Task + "/nothing", Task: t.TempDir(), Tmp: t.TempDir(), Memory: 64 << 20, Files: 64, Procs: 64})
	var path *os.PathError
	if !errors.As(err, &path) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a program that is not there: %v", err)
	}
}

func TestEndTakesDaemonsWithIt(t *testing.T) {
	t.Parallel()
	s := open(t)
	// The daemon is in a session of its own and has closed everything; only the kernel can tell that it is gone: it
	// keeps the other end of a socket open.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	script := fmt.Sprintf("setsid bash -c 'exec 3<>/dev/tcp/127.0.0.1/%d; echo ready >&3; sleep 1000' >/dev/null 2>&1 </dev/null &\nread line </dev/zero\n", l.Addr().(*net.TCPAddr).Port)
	p := begin(t, s, script)
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	text := make([]byte, len("ready\n"))
	if _, err := io.ReadFull(conn, text); err != nil {
		t.Fatalf("the daemon said %q, %v", text, err)
	}
	p.Kill()
	<-p.Exited()
	if rest, err := io.ReadAll(conn); err != nil && !errors.Is(err, syscall.ECONNRESET) || len(rest) > 0 {
		t.Errorf("the daemon goes on with %q, %v; want its end", rest, err)
	}
}

func TestMemoryOfAllProcessesIsLimited(t *testing.T) {
	t.Parallel()
	s := open(t)
	if limited, why := s.LimitsMemory(); !limited {
		t.Skip(why)
	}
	const limit = 64 << 20
	_, p := run(t, s, `exec awk 'BEGIN { s = "x"; while (1) s = s s }'`, func(s *Spec) { s.Memory = limit })
	status, outOfMemory := p.Status()
	if status.Signal() != syscall.SIGKILL || !outOfMemory || p.Memory() != limit {
		t.Errorf("ended with signal %v, out of memory %t, peak %d; want killed, true, %d", status.Signal(), outOfMemory, p.Memory(), limit)
	}
	_, p = run(t, s, "echo small", func(s *Spec) { s.Memory = limit })
	if _, outOfMemory := p.Status(); outOfMemory || p.Memory() <= 0 || p.Memory() >= limit/2 {
		t.Errorf("a small program: out of memory %t, peak %d", outOfMemory, p.Memory())
	}
	left, _ := os.ReadDir(s.cgroups.dir)
	for _, e := range left {
		if e.IsDir() {
			t.Errorf("the cgroup %s is left", e.Name())
		}
	}
}

func TestPlaceOfAKilledCloudIsRemoved(t *testing.T) {
	t.Parallel()
	c, err := openCgroups()
	if err != nil {
		t.Skip(err)
	}
	left := filepath.Join(c.dir, "1")
	if err := os.Mkdir(left, 0o755); err != nil {
		t.Fatal(err)
	}
	again, err := openCgroups()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left); err != nil {
		t.Errorf("the group of a running cloud is gone: %v", err)
	}
	again.close()
	c.lock.Close() // as when it is killed
	if again, err = openCgroups(); err != nil {
		t.Fatal(err)
	}
	defer again.close()
	if _, err := os.Stat(c.dir); err == nil && again.dir != c.dir {
		t.Errorf("%s is left", c.dir)
	}
	if _, err := os.Stat(left); err == nil {
		t.Errorf("%s is left", left)
	}
}

func TestNetworkLeadsNowhere(t *testing.T) {
	t.Parallel()
	s := open(t)
	if err := s.Networks(); err != nil {
		t.Skip(err)
	}
	script := `bash -c 'exec 3<>/dev/tcp/192.0.2.1/443; echo over' &
bash -c 'read x </dev/tcp/169.254.100.1/9001; echo $x'
cat /etc/resolv.conf
bash -c 'exec 3<>/dev/tcp/127.0.0.1/9001' 2>/dev/null || echo refused
`
	p := begin(t, s, script, func(s *Spec) {
		s.Network = &Network{Addresses: []string{"10.0.0.17/24", "fd00::5/64"}, Listen: []string{"169.254.100.1:9001"}, DNS: "169.254.78.1"}
	})
	if len(p.Sockets) != 3 {
		t.Fatalf("%d sockets, want a listener, one for names and one for what vanishes", len(p.Sockets))
	}
	l, err := net.FileListener(p.Sockets[0])
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(conn, "hello from outside")
	conn.Close()
	packet := make([]byte, 100)
	for sent := (netip.Addr{}); sent != netip.MustParseAddr("192.0.2.1"); {
		n, err := p.Sockets[2].Read(packet)
		if err != nil {
			t.Fatal(err)
		}
		if n >= 20 && packet[0]>>4 == 4 {
			sent = netip.AddrFrom4([4]byte(packet[16:20]))
		}
	}
	// It ends by itself, and its attempt to connect goes on: it has heard nothing.
	text, err := io.ReadAll(p.Output)
	if want := "hello from outside\nnameserver 169.254.78.1\nrefused\n"; err != nil || string(text) != want {
		t.Errorf("it printed %q, %v; want %q", text, err, want)
	}
}

func TestOwnsTellsSandboxesApart(t *testing.T) {
	t.Parallel()
	s := open(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dial := fmt.Sprintf("exec bash -c 'exec 3<>/dev/tcp/127.0.0.1/%d; read x <&3'", l.Addr().(*net.TCPAddr).Port)
	one := begin(t, s, dial)
	first, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	other := begin(t, s, dial)
	second, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	own, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	third, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	for i, got := range [][2]bool{{one.Owns(first), other.Owns(first)}, {other.Owns(second), one.Owns(second)}, {!one.Owns(third), other.Owns(third)}} {
		if got != [2]bool{true, false} {
			t.Errorf("connection %d: %v", i, got)
		}
	}
}
