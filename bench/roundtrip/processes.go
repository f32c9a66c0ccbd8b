package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process is what the kernel says of a process.
type process struct {
	pid, parent int
	name        string
	used        time.Duration // of the processor, by all its threads
}

// tick is the unit of the times in /proc/PID/stat: Linux has fixed it at a hundredth of a second for programs.
const tick = 10 * time.Millisecond

// processTree returns a process and all that have descended from it.
func processTree(root int) []process {
	var all []process
	entries, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range entries {
		if text, err := os.ReadFile(file); err == nil {
			if p, ok := parseStat(string(text)); ok {
				all = append(all, p)
			}
		}
	}
	in := map[int]bool{root: true}
	for more := true; more; {
		more = false
		for _, p := range all {
			if in[p.parent] && !in[p.pid] {
				in[p.pid], more = true, true
			}
		}
	}
	var tree []process
	for _, p := range all {
		if in[p.pid] {
			tree = append(tree, p)
		}
	}
	return tree
}

// parseStat reads a line such as "17 (bootstrap) S 4 …". The name may have anything in it, the rest is fields.
func parseStat(line string) (p process, ok bool) {
	open, end := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return p, false
	}
	f := strings.Fields(line[end+1:])
	if len(f) < 13 {
		return p, false
	}
	p.name = line[open+1 : end]
	p.pid, _ = strconv.Atoi(strings.TrimSpace(line[:open]))
	p.parent, _ = strconv.Atoi(f[1])
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	p.used = time.Duration(user+system) * tick
	return p, true
}
