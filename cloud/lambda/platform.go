package lambda

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What the platform writes into the log of an environment, in the configured format: lines of text with tabs, or one
// JSON object a line. Of the latter, those below the system's log level are left out; which level each has is AWS's.

const platformTime = "2006-01-02T15:04:05.000Z"

// status is how an init or an invocation has ended, in the words of platform records.
func (f *fault) status() string {
	switch {
	case f == nil:
		return "success"
	case f.kind == timedOut:
		return "timeout"
	}
	return "error"
}

// errorType is what the platform calls a fault of this status "error".
func (f *fault) errorType() string { return cmp.Or(f.reported, f.kind) }

// json reports whether platform records are JSON.
func (e *environment) json() bool { return e.release.Config.LoggingConfig.LogFormat == formatJSON }

// record writes a platform record of a level.
func (e *environment) record(level, kind string, record any) {
	if slices.Index(systemLevels, level) < slices.Index(systemLevels, e.release.Config.LoggingConfig.SystemLogLevel) {
		return
	}
	e.log.line(string(mustJSON(struct {
		Time   string `json:"time"`
		Type   string `json:"type"`
		Record any    `json:"record"`
	}{time.Now().UTC().Format(platformTime), "platform." + kind, record})))
}

// level is that of a record which is only worth the given one as long as all is well.
func level(f *fault, ifWell string) string {
	if f != nil {
		return "WARN"
	}
	return ifWell
}

func (e *environment) sayInitStart() {
	c := &e.release.Config
	version := strings.Replace(c.Runtime, ".", ":", 1) // as AWS spells it here
	if !e.json() {
		e.log.line("INIT_START Runtime Version: " + version + "\tRuntime Version ARN: " + c.RuntimeVersionConfig.RuntimeVersionArn)
		return
	}
	e.record("INFO", "initStart", map[string]any{
		"initializationType": "on-demand", "phase": "init", "runtimeVersion": version, "runtimeVersionArn": c.RuntimeVersionConfig.RuntimeVersionArn,
		"functionName": c.FunctionName, "functionVersion": c.Version,
	})
}

// sayInit tells how a start has ended. In text it is only told of one that failed.
func (e *environment) sayInit(phase string, took time.Duration, f *fault) {
	if e.json() {
		done := map[string]any{"initializationType": "on-demand", "phase": phase, "status": f.status()}
		if f != nil && f.kind != timedOut {
			done["errorType"] = f.errorType()
		}
		e.record(level(f, "DEBUG"), "initRuntimeDone", done)
		done["metrics"] = map[string]float64{"durationMs": rounded(took)}
		e.record(level(f, "DEBUG"), "initReport", done)
		return
	}
	if f == nil {
		return
	}
	status := f.status()
	if status == "error" {
		status += "\tError Type: " + f.errorType()
	}
	e.log.line(fmt.Sprintf("INIT_REPORT Init Duration: %s ms\tPhase: %s\tStatus: %s", milliseconds(took), phase, status))
}

func (e *environment) sayStart(x *execution) {
	if e.json() {
		e.record("INFO", "start", map[string]any{"requestId": x.id, "version": x.version})
		return
	}
	e.log.line("START RequestId: " + x.id + " Version: " + x.version)
}

// report writes the last lines of an invocation, and tells whoever runs the cloud how it went.
func (e *environment) report(x *execution, took, initDuration time.Duration, trouble *fault) {
	if trouble != nil && trouble.kind == "" { // the service closes
		trouble = nil
	}
	if trouble != nil && trouble.kind == timedOut {
		took = e.timeout()
	}
	memory := x.memory
	if e.process != nil {
		memory = e.process.memory()
	}
	usage := usage{took, initDuration, (memory + 1<<20 - 1) >> 20}
	if e.json() {
		e.reportJSON(x, usage, trouble)
	} else {
		e.reportText(x, usage, trouble)
	}
	if trouble != nil {
		e.warn(x, trouble)
	}
	if e.log.debug {
		e.service.Log.Debug("invocation", "function", e.name(), "version", x.version, "functionRequestId", x.id, "environment", e.id(), "cold", initDuration > 0,
			"took", took, "initDuration", initDuration, "memoryMB", usage.memory, "status", trouble.status())
	}
}

// usage is what an invocation has taken.
type usage struct {
	took, init time.Duration
	memory     int64 // MB
}

// billed is the time that AWS would ask money for: since August 2025 that of the init as well.
func (u usage) billed() int64 {
	return int64(math.Ceil(float64(u.took+u.init) / float64(time.Millisecond)))
}

func (e *environment) reportText(x *execution, u usage, f *fault) {
	status := ""
	switch f.status() {
	case "timeout":
		status = "Status: timeout\t"
		e.log.line(fmt.Sprintf("%s %s %s", time.Now().UTC().Format(platformTime), x.id, f.text))
	case "error":
		status = "Status: error\tError Type: " + f.errorType() + "\t"
		e.log.line("RequestId: " + x.id + " Error: " + f.text + "\n" + f.kind)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "REPORT RequestId: %s\tDuration: %s ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		x.id, milliseconds(u.took), u.billed(), e.release.Config.MemorySize, u.memory)
	if u.init > 0 {
		fmt.Fprintf(&b, "Init Duration: %s ms\t", milliseconds(u.init))
	}
	b.WriteString(status)
	e.log.line("END RequestId: " + x.id)
	e.log.line(b.String())
	if e.release.Config.TracingConfig.Mode == "Active" {
		root, segment := traceParts(x.trace)
		e.log.line("XRAY TraceId: " + root + "\tSegmentId: " + segment + "\tSampled: true\t")
	}
}

func (e *environment) reportJSON(x *execution, u usage, f *fault) {
	done := map[string]any{"requestId": x.id, "status": f.status(), "metrics": map[string]any{"durationMs": rounded(u.took), "producedBytes": x.produced.Load()}}
	metrics := map[string]any{
		"durationMs": rounded(u.took), "billedDurationMs": u.billed(), "memorySizeMB": e.release.Config.MemorySize, "maxMemoryUsedMB": u.memory,
	}
	if u.init > 0 {
		metrics["initDurationMs"] = rounded(u.init)
	}
	report := map[string]any{"requestId": x.id, "metrics": metrics, "status": f.status()}
	if f != nil && f.kind != timedOut {
		done["errorType"], report["errorType"] = f.errorType(), f.kind
	}
	if e.release.Config.TracingConfig.Mode == "Active" {
		root, segment := traceParts(x.trace)
		report["tracing"] = map[string]string{"spanId": segment, "type": "X-Amzn-Trace-Id", "value": "root=" + root + ";parent=" + segment + ";sampled=1"}
	}
	e.record(level(f, "DEBUG"), "runtimeDone", done)
	e.record(level(f, "INFO"), "report", report)
}

// traceParts takes the root and the segment out of a trace header.
func traceParts(trace string) (root, segment string) {
	root, rest, _ := strings.Cut(strings.TrimPrefix(trace, "Root="), ";Parent=")
	segment, _, _ = strings.Cut(rest, ";")
	return root, segment
}

func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 2, 64)
}

// rounded is a duration in milliseconds to three digits behind the point.
func rounded(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Microsecond)) / 1000
}
