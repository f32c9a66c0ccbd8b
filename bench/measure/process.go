//go:build linux

package measure

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// CPU returns the CPU time of a process in nanoseconds, that of all its threads: its CPU clock, by the kernel's encoding of
// clock ids (see clock_getcpuclockid(3)). It is 0 for a process that is gone.
func CPU(pid int) int64 {
	var t unix.Timespec
	if unix.ClockGettime(int32(^pid<<3|2), &t) != nil {
		return 0
	}
	return t.Nano()
}

// Tree is a process and all that it started, directly or not. The functions of an embedded cloud are processes of their own.
type Tree struct{ Root int }

// PIDs returns the processes of the tree that run at this moment.
func (t Tree) PIDs() []int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// The name, in parentheses, may hold anything.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if len(fields) > 1 {
			parent, _ := strconv.Atoi(fields[1])
			children[parent] = append(children[parent], pid)
		}
	}
	all := []int{t.Root}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// CPU returns the CPU time of the tree in nanoseconds. What a process used that has ended is missing.
func (t Tree) CPU() (ns int64) {
	for _, pid := range t.PIDs() {
		ns += CPU(pid)
	}
	return ns
}

// RSS returns the resident memory of the tree in bytes.
func (t Tree) RSS() (bytes int) {
	for _, pid := range t.PIDs() {
		bytes += 1024 * kib(fmt.Sprintf("/proc/%d/status", pid), "VmRSS")
	}
	return bytes
}

// Slab returns the memory in bytes that the kernel's allocator of structures has given out.
func Slab() int { return 1024 * kib("/proc/meminfo", "Slab") }

// kib reads a line "Name: 123 kB".
func kib(path, name string) int {
	data, _ := os.ReadFile(path)
	_, rest, _ := strings.Cut("\n"+string(data), "\n"+name+":")
	value, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, _ := strconv.Atoi(value)
	return n
}
