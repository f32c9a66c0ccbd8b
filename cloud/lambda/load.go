package lambda

import (
	"time"
)

// load knows whether the processors of this machine have time to spare. The zero value has no reading yet.
type load struct {
	at   time.Time // of the last reading
	idle uint64
	all  uint64
}

const (
	loadWindow = 50 * time.Millisecond // that a judgement is based on, at least
	loadAge    = time.Second           // that it is based on, at most
	spareShare = 5                     // the processors have time to spare if this part of it, 1/5, is not used
)

// untilIdle is how long it will be until the processors may have time to spare: 0 if they have, or if the system does not
// tell, and at most limit.
func (l *load) untilIdle(limit time.Duration) time.Duration {
	age := time.Since(l.at)
	if age < loadWindow {
		return min(limit, loadWindow-age)
	}
	idle, all, ok := processorTime()
	if !ok {
		return 0
	}
	unused, total := idle-l.idle, all-l.all
	l.at, l.idle, l.all = time.Now(), idle, all
	if age > loadAge || unused < total/spareShare {
		return min(limit, loadWindow)
	}
	return 0
}
