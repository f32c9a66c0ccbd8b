//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// machine names what was measured on.
var machine = sync.OnceValue(func() string {
	var u unix.Utsname
	unix.Uname(&u)
	text, _ := os.ReadFile("/proc/cpuinfo")
	model := "a CPU that does not say its name"
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%d cores of %s, Linux %s, %s", runtime.NumCPU(), model, unix.ByteSliceToString(u.Release[:]), strings.Replace(runtime.Version(), "go", "Go ", 1))
})
