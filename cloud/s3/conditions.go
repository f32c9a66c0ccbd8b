package s3

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"quotewire/cloud/protocol"
)

// matches says whether a list of entity tags, or "*", names the tag.
func matches(list, etag string) bool {
	for t := range strings.SplitSeq(list, ",") {
		if t = strings.TrimSpace(t); t == "*" || trimQuotes(t) == etag {
			return true
		}
	}
	return false
}

// readConditions applies RFC 9110's order of preconditions to GET and HEAD.
func readConditions(r *request, o *object) error {
	modified := o.Modified.Truncate(time.Second)
	if list := r.Header.Get("If-Match"); list != "" {
		if !matches(list, o.ETag) {
			return errPrecondition
		}
	} else if t, ok := parseTime(r.Header.Get("If-Unmodified-Since")); ok && modified.After(t) {
		return errPrecondition
	}
	if list := r.Header.Get("If-None-Match"); list != "" {
		if matches(list, o.ETag) {
			return errNotModified
		}
	} else if t, ok := parseTime(r.Header.Get("If-Modified-Since")); ok && !modified.After(t) {
		return errNotModified
	}
	return nil
}

// copyConditions are the same on the source of a copy; there everything that fails is 412.
func copyConditions(r *request, o *object) error {
	const prefix = "x-amz-copy-source-"
	as := &request{Request: &http.Request{Header: http.Header{}}}
	for _, name := range []string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"} {
		if value := r.Header.Get(prefix + name); value != "" {
			as.Header.Set(name, value)
		}
	}
	if readConditions(as, o) != nil {
		return errPrecondition
	}
	return nil
}

// writeConditions are those of PUT: "If-None-Match: *" for an object that must be new, If-Match for one that must
// still be as it was read. They are asked in the same step that writes.
func writeConditions(r *request, rec *record) error {
	o, err := rec.find(r.key, "")
	if list := r.Header.Get("If-None-Match"); list != "" {
		if list != "*" {
			return notHere("If-None-Match with an ETag on a write")
		}
		if err == nil {
			return errPrecondition
		}
	}
	if list := r.Header.Get("If-Match"); list != "" {
		if err != nil {
			return err
		}
		if !matches(list, o.ETag) {
			return errPrecondition
		}
	}
	return nil
}

// span is the part of an object that is asked for.
type span struct {
	first, length int64
	partial       bool
}

// chooseSpan reads Range or partNumber. As S3 does, it answers in full to a Range that it does not understand or that
// names several ranges.
func chooseSpan(r *request, o *object) (span, error) {
	whole := span{0, o.Size, false}
	if text := r.query.Get("partNumber"); text != "" {
		if r.Header.Get("Range") != "" {
			return span{}, invalidRequest("Cannot specify both Range header and partNumber query parameter")
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxParts {
			return span{}, invalidArgument("partNumber", text, "Part number must be an integer between 1 and 10000, inclusive")
		}
		if n > max(1, len(o.Pieces)) {
			return span{}, protocol.Errorf(http.StatusRequestedRangeNotSatisfiable, "InvalidPartNumber", "The requested partnumber is not satisfiable")
		}
		if !o.Parts {
			return whole, nil
		}
		var first int64
		for _, p := range o.Pieces[:n-1] {
			first += p.Size
		}
		return span{first, o.Pieces[n-1].Size, true}, nil
	}
	text, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes=")
	if !ok || strings.Contains(text, ",") {
		return whole, nil
	}
	return parseRange(text, o.Size)
}

// parseRange reads "2-5", "2-" or "-5" of an object of that size.
func parseRange(text string, size int64) (span, error) {
	whole := span{0, size, false}
	from, to, ok := strings.Cut(strings.TrimSpace(text), "-")
	if !ok {
		return whole, nil
	}
	unsatisfiable := &protocol.Error{Status: http.StatusRequestedRangeNotSatisfiable, Code: "InvalidRange", Message: "The requested range is not satisfiable",
		Members: map[string]string{"RangeRequested": "bytes=" + text, "ActualObjectSize": strconv.FormatInt(size, 10)}}
	if from == "" {
		n, err := strconv.ParseInt(to, 10, 64)
		if err != nil || n < 0 {
			return whole, nil
		}
		if n == 0 || size == 0 {
			return span{}, unsatisfiable
		}
		n = min(n, size)
		return span{size - n, n, true}, nil
	}
	first, err := strconv.ParseInt(from, 10, 64)
	last := size - 1
	if err == nil && to != "" {
		last, err = strconv.ParseInt(to, 10, 64)
	}
	if err != nil || first < 0 || to != "" && last < first {
		return whole, nil
	}
	if first >= size {
		return span{}, unsatisfiable
	}
	last = min(last, size-1)
	return span{first, last - first + 1, true}, nil
}
