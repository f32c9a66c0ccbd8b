package lambda

import (
	"bytes"
	"os"
	"strconv"
)

// processorTime is how long all processors together have been idle, and have been there, in units of the kernel's.
func processorTime() (idle, all uint64, ok bool) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, false
	}
	// cpu user nice system idle iowait irq softirq steal …, where guests are counted in user already
	line, _, _ := bytes.Cut(text, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) < 9 {
		return 0, 0, false
	}
	for i, f := range fields[1:9] {
		n, err := strconv.ParseUint(string(f), 10, 64)
		if err != nil {
			return 0, 0, false
		}
		all += n
		if i == 3 || i == 4 {
			idle += n
		}
	}
	return idle, all, true
}
