package rig

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// Transcript collects what a process prints and tells who waits for a text.
type Transcript struct {
	mu   sync.Mutex // protects following
	text strings.Builder
	more chan struct{} // closed when text has grown
}

// NewTranscript returns an empty one.
func NewTranscript() *Transcript { return &Transcript{more: make(chan struct{})} }

func (l *Transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	close(l.more)
	l.more = make(chan struct{})
	return len(p), nil
}

func (l *Transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Wait returns the line of what was printed in which all texts stand, once it is there. It fails the test if the process
// ends first.
func (p *Process) Wait(t testing.TB, texts ...string) string {
	t.Helper()
	var line string
	err := p.Log.until(p.Done, func(text string) bool {
		for l := range strings.Lines(text) {
			all := strings.HasSuffix(l, "\n")
			for _, want := range texts {
				all = all && strings.Contains(l, want)
			}
			if all {
				line = l
				return true
			}
		}
		return false
	})
	if err != nil {
		t.Fatalf("no line with %q: %v\n%s", texts, err, p.Log)
	}
	return line
}

// Await returns once a text was printed. It fails if done is closed before, which says that the process has ended.
func (l *Transcript) Await(done <-chan struct{}, want string) error {
	return l.until(done, func(text string) bool { return strings.Contains(text, want) })
}

// until returns once what was printed is as wanted.
func (l *Transcript) until(done <-chan struct{}, wanted func(string) bool) error {
	timeout := time.After(Patience)
	for {
		l.mu.Lock()
		text, more := l.text.String(), l.more
		l.mu.Unlock()
		if wanted(text) {
			return nil
		}
		select {
		case <-more:
		case <-done:
			if !wanted(l.String()) {
				return fmt.Errorf("the process has ended")
			}
			return nil
		case <-timeout:
			return fmt.Errorf("not within %s", Patience)
		}
	}
}
