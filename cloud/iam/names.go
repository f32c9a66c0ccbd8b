package iam

import "strings"

// validName reports whether s has only what names of roles, users, policies and sessions are made of: [\w+=,.@-]+.
func validName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_+=,.@-", c) >= 0) {
			return false
		}
	}
	return s != ""
}

// validPath reports whether s begins and ends with a slash and holds printable ASCII characters.
func validPath(s string) bool {
	if len(s) > 512 || !strings.HasPrefix(s, "/") || !strings.HasSuffix(s, "/") {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '!' || s[i] > '~' {
			return false
		}
	}
	return true
}
