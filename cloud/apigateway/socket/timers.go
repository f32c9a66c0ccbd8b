package socket

import (
	"math"
	"sync"
	"time"
)

// timers look at connections when they ask for it. It is a heap with one entry for each connection and one alarm for all:
// what a message changes is a time in its connection, which is looked at when the old one has come.
type timers struct {
	now   func() int64
	mu    sync.Mutex // guards the following and Conn.slot; taken while a Conn.mu is held, never the other way round
	heap  []timer
	alarm *time.Timer
	next  int64 // when the alarm goes off
}

type timer struct {
	due int64 // of Server.now
	c   *Conn
}

// set has c looked at when due has come, or before.
func (t *timers) set(c *Conn, due int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := int(c.slot) - 1
	if i < 0 {
		t.heap = append(t.heap, timer{due, c})
		i = len(t.heap) - 1
		c.slot = int32(i + 1)
	} else if t.heap[i].due <= due {
		return
	} else {
		t.heap[i].due = due
	}
	t.up(i)
	t.arm()
}

func (t *timers) remove(c *Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.slot > 0 {
		t.drop(int(c.slot) - 1)
	}
}

// arm sets the alarm for the first timer if it would go off too late. The caller holds t.mu.
func (t *timers) arm() {
	if len(t.heap) == 0 || t.alarm != nil && t.next <= t.heap[0].due {
		return
	}
	t.next = t.heap[0].due
	wait := max(time.Duration(t.next-t.now()), 0)
	if t.alarm == nil {
		t.alarm = time.AfterFunc(wait, t.ring)
	} else {
		t.alarm.Reset(wait)
	}
}

// ring looks at the connections whose time has come.
func (t *timers) ring() {
	now := t.now()
	for {
		t.mu.Lock()
		if len(t.heap) == 0 || t.heap[0].due > now {
			t.next = math.MaxInt64
			t.arm()
			t.mu.Unlock()
			return
		}
		c := t.heap[0].c
		t.drop(0)
		t.mu.Unlock()
		c.due(now)
	}
}

func (t *timers) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.alarm != nil {
		t.alarm.Stop()
	}
}

// drop takes the timer at i out of the heap. The caller holds t.mu, as for what follows.
func (t *timers) drop(i int) {
	t.heap[i].c.slot = 0
	last := len(t.heap) - 1
	moved := t.heap[last]
	t.heap[last] = timer{}
	t.heap = t.heap[:last]
	if i == last {
		return
	}
	t.place(i, moved)
	if !t.up(i) {
		t.down(i)
	}
}

func (t *timers) place(i int, x timer) {
	t.heap[i] = x
	x.c.slot = int32(i + 1)
}

func (t *timers) up(i int) (moved bool) {
	x := t.heap[i]
	for i > 0 {
		parent := (i - 1) / 2
		if t.heap[parent].due <= x.due {
			break
		}
		t.place(i, t.heap[parent])
		i, moved = parent, true
	}
	t.place(i, x)
	return moved
}

func (t *timers) down(i int) {
	x := t.heap[i]
	for {
		child := 2*i + 1
		if child >= len(t.heap) {
			break
		}
		if child+1 < len(t.heap) && t.heap[child+1].due < t.heap[child].due {
			child++
		}
		if t.heap[child].due >= x.due {
			break
		}
		t.place(i, t.heap[child])
		i = child
	}
	t.place(i, x)
}
