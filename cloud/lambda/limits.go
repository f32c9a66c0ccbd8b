package lambda

import (
	"runtime"
	"time"
)

// Limits are the numbers of Lambda that a person may change, for a test that cannot wait. A zero field stands for AWS's
// number, or for ours where AWS names none.
type Limits struct {
	Concurrency  int             `limit:"concurrency" text:"executions at a time in the account; more are answered with 429"`
	Environments int             `limit:"environments" text:"of one function; invocations wait for one of them, and are not refused"`
	InitTimeout  time.Duration   `limit:"init-timeout" text:"of a process until its first call of next"`
	IdleTimeout  time.Duration   `limit:"idle-timeout" text:"of an environment without work, after which it ends"`
	RetryDelays  []time.Duration `limit:"retry-delays" text:"before each retry of an asynchronous invocation"`
	EventAge     time.Duration   `limit:"event-age" text:"that an asynchronous invocation waits at most for its last try"`
	Grace        time.Duration   `limit:"shutdown-grace" text:"between SIGTERM and SIGKILL, for a runtime that asks for SIGTERM"`
}

// AWSLimits are the numbers of AWS, and our own where AWS names none.
var AWSLimits = Limits{
	Concurrency:  1000,
	Environments: 64 * runtime.NumCPU(), // AWS: as many as executions; a Go function with little in it takes 10 MB here
	InitTimeout:  10 * time.Second,
	IdleTimeout:  5 * time.Minute, // AWS: minutes
	RetryDelays:  []time.Duration{time.Minute, 2 * time.Minute},
	EventAge:     6 * time.Hour,
	Grace:        500 * time.Millisecond,
}

// The other quotas and limits of Lambda that this cloud keeps, under the names of AWS's documentation.
const (
	maxNameLength      = 64
	maxTimeout         = 900   // seconds
	minMemory          = 128   // MB
	maxMemory          = 10240 // MB
	maxVariables       = 4 << 10
	maxRequest         = 70_167_211 // bytes of a control-plane request
	maxZip             = 50 << 20   // of a zip inside a request; one in a bucket may be larger
	maxUnzipped        = 250 << 20
	maxEntries         = 100_000 // AWS has no such number; a folder of more files is a mistake or an attack
	maxPayload         = 6 << 20
	maxEventPayload    = 1 << 20
	maxResponse        = 6<<20 + 100
	maxStream          = 200 << 20 // of a response that is streamed
	maxPrelude         = 64 << 10  // AWS names no number
	maxClientContext   = 3583
	maxPolicy          = 20 << 10
	maxAliasName       = 128
	maxLayers          = 5
	codeLocationAge    = 10 * time.Minute
	maxTail            = 4 << 10
	minUnreserved      = 100 // executions that reservations must leave to everyone else
	defaultPage        = 50
	maxEventAttempts   = 3 // the first and two retries
	maxQueuedEvents    = 10_000
	maxLine            = 256 << 10 // of one log event, as CloudWatch Logs has it
	maxShown           = 500       // of a line in the cloud's own log
	maxPendingLines    = 10_000    // of one environment, waiting to be stored; later ones are dropped and counted
	maxThrottleBackoff = 5 * time.Minute
)
