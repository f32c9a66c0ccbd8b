package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// cgroups is a place for the control groups of one cloud, which limit memory. It is locked as long as this process
// lives, so that another one knows which places are left over from processes that were killed.
type cgroups struct {
	dir      string
	lock     *os.File
	version2 bool
	next     atomic.Int64
}

// place is the folder for the places of all clouds, in the hierarchy of cgroups.
const place = "quotewire"

// openCgroups makes a place, and removes the places of clouds that are gone.
func openCgroups() (*cgroups, error) {
	top, version2, err := memoryHierarchy()
	if err != nil {
		return nil, err
	}
	top = filepath.Join(top, place)
	if err := os.Mkdir(top, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("memory cgroups: %w", err)
	}
	c := &cgroups{version2: version2}
	if err := c.delegate(top); err != nil {
		return nil, err
	}
	left, _ := os.ReadDir(top)
	for _, e := range left {
		if e.IsDir() {
			clearPlace(filepath.Join(top, e.Name()))
		}
	}
	for try := 0; c.lock == nil; try++ {
		c.dir = filepath.Join(top, strconv.Itoa(os.Getpid())+"-"+strconv.Itoa(try))
		if err := os.Mkdir(c.dir, 0o755); errors.Is(err, os.ErrExist) && try < 1000 {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("memory cgroups: %w", err)
		}
		if c.lock, err = lockFolder(c.dir); err != nil {
			c.lock = nil // somebody took it for left over in this moment
		}
	}
	return c, c.delegate(c.dir)
}

// memoryHierarchy finds where control groups for memory can be made.
func memoryHierarchy() (dir string, version2 bool, err error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", false, err
	}
	for line := range strings.Lines(string(mounts)) {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		if f[2] == "cgroup" && strings.Contains(","+f[3]+",", ",memory,") {
			return f[1], false, nil
		}
		if f[2] == "cgroup2" {
			controllers, _ := os.ReadFile(filepath.Join(f[1], "cgroup.controllers"))
			if bytes.Contains(controllers, []byte("memory")) {
				dir, version2 = f[1], true
			}
		}
	}
	if !version2 {
		return "", false, errors.New("this machine has no memory cgroups")
	}
	// In version 2 it takes a group that passes the control of memory on: the nearest one above this process.
	own, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(own)) {
		if at, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			for at = filepath.Clean("/" + at); ; at = filepath.Dir(at) {
				passed, _ := os.ReadFile(filepath.Join(dir, at, "cgroup.subtree_control"))
				if bytes.Contains(passed, []byte("memory")) && unix.Access(filepath.Join(dir, at), unix.W_OK) == nil {
					return filepath.Join(dir, at), true, nil
				}
				if at == "/" {
					break
				}
			}
		}
	}
	return "", false, errors.New("no cgroup that this user may write to has the control of memory; start this in a systemd user session")
}

// delegate passes the control of memory on to the groups in dir.
func (c *cgroups) delegate(dir string) error {
	name, value := "memory.use_hierarchy", "1"
	if c.version2 {
		name, value = "cgroup.subtree_control", "+memory"
	}
	if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0); err != nil && c.version2 {
		return fmt.Errorf("memory cgroups: %w", err)
	}
	return nil // version 1 has it so already, or is too new to ask
}

func lockFolder(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// clearPlace removes a place whose owner is gone. A group with a process in it stays.
func clearPlace(dir string) {
	lock, err := lockFolder(dir)
	if err != nil {
		return
	}
	defer lock.Close()
	groups, _ := os.ReadDir(dir)
	for _, g := range groups {
		if g.IsDir() {
			os.Remove(filepath.Join(dir, g.Name()))
		}
	}
	os.Remove(dir)
}

func (c *cgroups) close() {
	os.Remove(c.dir)
	c.lock.Close()
}

// cgroup is the control group of one sandbox.
type cgroup struct {
	dir      string
	version2 bool
	limit    int64
}

// make makes a group whose processes may use so many bytes together.
func (c *cgroups) make(limit int64) (*cgroup, error) {
	g := &cgroup{filepath.Join(c.dir, strconv.FormatInt(c.next.Add(1), 10)), c.version2, limit}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		return nil, err
	}
	// Swap would only make the end slower. A machine without it has no such file.
	names, optional := [2]string{"memory.limit_in_bytes", ""}, [2]string{"memory.swappiness", "0"}
	if c.version2 {
		names, optional = [2]string{"memory.max", "memory.oom.group"}, [2]string{"memory.swap.max", "0"}
	}
	err := g.set(names[0], strconv.FormatInt(limit, 10))
	if err == nil && names[1] != "" {
		err = g.set(names[1], "1")
	}
	if err != nil {
		g.remove()
		return nil, err
	}
	g.set(optional[0], optional[1])
	return g, nil
}

func (g *cgroup) set(name, value string) error {
	return os.WriteFile(filepath.Join(g.dir, name), []byte(value), 0)
}

// entrance is the file by which a process goes in.
func (g *cgroup) entrance() (path string, version2 bool) {
	if g.version2 {
		return g.dir, true
	}
	return filepath.Join(g.dir, "tasks"), false
}

// peak is the most memory that was in use.
func (g *cgroup) peak() int64 {
	name := "memory.max_usage_in_bytes"
	if g.version2 {
		name = "memory.peak"
	}
	text, _ := os.ReadFile(filepath.Join(g.dir, name))
	n, _ := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
	return n
}

// killed reports whether the kernel has killed one of the processes for want of memory.
func (g *cgroup) killed() bool {
	name := "memory.oom_control"
	if g.version2 {
		name = "memory.events"
	}
	text, _ := os.ReadFile(filepath.Join(g.dir, name))
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(line, "oom_kill "); ok {
			return strings.TrimSpace(n) != "0"
		}
	}
	return false
}

// remove removes the group, which is empty.
func (g *cgroup) remove() {
	if g != nil {
		os.Remove(g.dir)
	}
}
