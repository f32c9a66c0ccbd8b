package logs

import "time"

// What CloudWatch Logs takes.
const (
	maxEvents     = 10_000  // of one PutLogEvents, and of a page of events
	maxPut        = 1 << 20 // bytes of one PutLogEvents, with eventOverhead for each event
	eventOverhead = 26      // bytes that an event counts besides its message, as AWS counts it
	maxTags       = 50      // of a log group
	maxRequest    = 2 << 20 // bytes of a request
)

// What this cloud keeps, and how.
const (
	maxGroupBytes  = 8 << 20     // events that a group keeps, in bytes of their messages with eventOverhead each
	flushDelay     = time.Second // how long a function's output may be in memory only
	maxBlock       = 256 << 10   // bytes of a block, roughly
	minBlock       = 16 << 10    // bytes of a block that no more is added to once it is written
	storedOverhead = 200         // bytes that an event takes in a block besides its message, roughly
	storeTimeout   = 10 * time.Second
)
