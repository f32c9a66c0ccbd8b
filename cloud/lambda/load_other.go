//go:build !linux

package lambda

// processorTime is not known here.
func processorTime() (idle, all uint64, ok bool) { return 0, 0, false }
