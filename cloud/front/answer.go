package front

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// answer is the answer to a request. It goes over the wire as net/http would have sent it, had the handler named its
// length.
type answer struct {
	header http.Header
	status int
	body   []byte

	later *[]Flusher // what is to be done before answers that are held back are sent; nil if none are

	names  []string // of header, sorted
	second int64    // Unix time of date
	date   []byte
}

func (a *answer) reset() {
	clear(a.header)
	a.status, a.body = 0, a.body[:0]
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body = append(a.body, p...)
	return len(p), nil
}

func (a *answer) WriteString(s string) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body = append(a.body, s...)
	return len(s), nil
}

// Postpone has f flushed before this answer is sent, and others that came with it: once for all of them, if they postpone the
// same. It reports false if the answer is not held back.
func (a *answer) Postpone(f Flusher) bool {
	if a.later == nil {
		return false
	}
	*a.later = append(*a.later, f)
	return true
}

// oneLine keeps what a value holds on one line.
var oneLine = strings.NewReplacer("\n", " ", "\r", " ")

// appendValue appends the value of a header. Nearly all are in need of nothing.
func appendValue(b []byte, value string) []byte {
	for i := range len(value) {
		if c := value[i]; c == '\r' || c == '\n' || c <= ' ' && (i == 0 || i == len(value)-1) {
			return append(b, strings.Trim(oneLine.Replace(value), " \t")...)
		}
	}
	return append(b, value...)
}

// append appends the answer as it is sent at a moment. It also reports whether that is the last thing to be sent.
func (a *answer) append(b []byte, now time.Time) (_ []byte, closing bool) {
	a.WriteHeader(http.StatusOK)
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(a.status), 10)
	b = append(b, ' ')
	if text := http.StatusText(a.status); text != "" {
		b = append(b, text...)
	} else {
		b = append(b, "status code "...)
		b = strconv.AppendInt(b, int64(a.status), 10)
	}
	b = append(b, "\r\n"...)
	bodiless := a.status == http.StatusNoContent || a.status == http.StatusNotModified
	a.names = a.names[:0]
	for name := range a.header {
		if bodiless && name == "Content-Length" || a.status == http.StatusNotModified && name == "Content-Type" {
			continue
		}
		a.names = append(a.names, name)
	}
	slices.Sort(a.names)
	for _, name := range a.names {
		for _, value := range a.header[name] {
			b = append(b, name...)
			b = append(b, ": "...)
			b = appendValue(b, value)
			b = append(b, "\r\n"...)
		}
	}
	if a.header["Date"] == nil {
		if second := now.Unix(); second != a.second {
			a.second, a.date = second, now.UTC().AppendFormat(a.date[:0], http.TimeFormat)
		}
		b = append(b, "Date: "...)
		b = append(b, a.date...)
		b = append(b, "\r\n"...)
	}
	if !bodiless {
		if a.header["Content-Length"] == nil {
			b = append(b, "Content-Length: "...)
			b = strconv.AppendInt(b, int64(len(a.body)), 10)
			b = append(b, "\r\n"...)
		}
		if len(a.body) > 0 && a.header["Content-Type"] == nil {
			b = append(b, "Content-Type: "...)
			b = append(b, http.DetectContentType(a.body)...)
			b = append(b, "\r\n"...)
		}
	}
	b = append(b, "\r\n"...)
	if !bodiless {
		b = append(b, a.body...)
	}
	connection := a.header["Connection"]
	return b, len(connection) > 0 && connection[0] == "close"
}
