//go:build unix

package lambda

import (
	"bytes"
	"os"
	"sync"
	"syscall"
)

// output reads what a process prints, stdout and stderr through one pipe, and cuts it into lines.
//
// A goroutine follows the pipe. Besides, whoever knows that the process has printed something can drain it: when drain
// returns, everything that was in the pipe has been handed on, and lines that are logged next come after it.
type output struct {
	pipe  *os.File
	raw   syscall.RawConn
	print func(line []byte, complete bool)
	ended chan struct{}

	mu   sync.Mutex // protects following, and the order of lines
	rest []byte     // the beginning of a line
	buf  [32 << 10]byte
}

// maxDrain bounds how often one call reads, so that a process that never stops printing keeps nobody for ever.
const maxDrain = 32

func followOutput(pipe *os.File, print func(line []byte, complete bool)) (*output, error) {
	raw, err := pipe.SyscallConn()
	if err != nil {
		return nil, err
	}
	o := &output{pipe: pipe, raw: raw, print: print, ended: make(chan struct{})}
	go func() {
		defer close(o.ended)
		for end := false; !end; {
			if raw.Read(func(fd uintptr) (ready bool) {
				ready, end = o.read(fd)
				return ready
			}) != nil {
				return // the pipe was closed
			}
		}
	}()
	return o, nil
}

// drain hands on what is in the pipe now.
func (o *output) drain() {
	o.raw.Control(func(fd uintptr) { o.read(fd) })
}

// close hands on what is left, also a line that was not finished, and ends the following. The process is gone.
func (o *output) close() {
	o.drain()
	o.pipe.Close()
	<-o.ended
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.rest) > 0 {
		o.print(o.rest, false)
		o.rest = nil
	}
}

// read reads until the pipe is empty, which makes it not ready, or at its end.
func (o *output) read(fd uintptr) (ready, end bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for range maxDrain {
		n, err := syscall.Read(int(fd), o.buf[:])
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return false, false
		case err != nil || n == 0:
			return true, true
		default:
			o.split(o.buf[:n])
		}
	}
	return true, false
}

func (o *output) split(data []byte) {
	for len(data) > 0 {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			o.rest = append(o.rest, data...)
			for len(o.rest) >= maxLine {
				o.print(o.rest[:maxLine], false)
				o.rest = append([]byte(nil), o.rest[maxLine:]...)
			}
			return
		}
		line := data[:i]
		if len(o.rest) > 0 {
			o.rest = append(o.rest, line...)
			line = o.rest
		}
		o.print(line, true)
		o.rest = o.rest[:0]
		data = data[i+1:]
	}
}
