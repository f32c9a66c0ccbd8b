package protocol

import "strings"

// Absent are the operations of a REST service that the cloud does not have: verb and path → name. A segment "*" of a
// path stands for any one segment. The name lets a refusal say what its reader called, who knows no paths.
type Absent map[string]string

// Unknown is the answer to a request of the service that no operation of the cloud takes.
func (a Absent) Unknown(p Protocol, service, method, path string) *Error {
	for pattern, name := range a {
		verb, form, _ := strings.Cut(pattern, " ")
		if verb == method && pathMatches(form, path) {
			return UnknownOperation(p, service, name)
		}
	}
	return UnknownOperation(p, service, method+" "+path)
}

func pathMatches(pattern, path string) bool {
	want, have := strings.Split(pattern, "/"), strings.Split(strings.TrimSuffix(path, "/"), "/")
	if len(want) != len(have) {
		return false
	}
	for i := range want {
		if want[i] != have[i] && (want[i] != "*" || have[i] == "") {
			return false
		}
	}
	return true
}
