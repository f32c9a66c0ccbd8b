package logs

import (
	"regexp"
	"strings"
)

// parsePattern reads a filter pattern. A JSON pattern stands in braces. Otherwise all plain words, "quoted phrases" and
// %regular expressions% must be in the message and none of the -words; if there are only ?words, one of them must be.
func parsePattern(pattern string) (func(message string) bool, error) {
	rest := strings.TrimSpace(pattern)
	switch {
	case strings.HasPrefix(rest, "{"):
		return parseJSONPattern(rest)
	case strings.HasPrefix(rest, "["):
		return nil, wrong("InvalidParameterException", "the embedded cloud has no filter patterns on columns: %s", pattern)
	}
	var all, any, none []func(string) bool
	for rest != "" {
		list := &all
		switch rest[0] {
		case '?':
			list, rest = &any, rest[1:]
		case '-':
			list, rest = &none, rest[1:]
		}
		var term func(string) bool
		var err error
		if term, rest, err = parseTerm(rest); err != nil {
			return nil, err
		}
		*list = append(*list, term)
		rest = strings.TrimLeft(rest, " \t")
	}
	if len(all)+len(none) > 0 {
		any = nil // CloudWatch Logs ignores ?words beside others
	}
	return func(message string) bool {
		for _, in := range all {
			if !in(message) {
				return false
			}
		}
		for _, in := range none {
			if in(message) {
				return false
			}
		}
		for _, in := range any {
			if in(message) {
				return true
			}
		}
		return len(any) == 0
	}, nil
}

// parseTerm reads a word, a "quoted phrase" or a %regular expression%.
func parseTerm(text string) (in func(string) bool, rest string, err error) {
	if text != "" && (text[0] == '"' || text[0] == '%') {
		end := strings.IndexByte(text[1:], text[0])
		if end < 0 {
			return nil, "", errPattern("the %c is not closed", text[0])
		}
		word, rest := text[1:1+end], text[2+end:]
		if text[0] == '"' {
			return func(m string) bool { return strings.Contains(m, word) }, rest, nil
		}
		expression, err := regexp.Compile(word)
		if err != nil {
			return nil, "", errPattern("%s", err)
		}
		return expression.MatchString, rest, nil
	}
	end := strings.IndexAny(text, " \t")
	if end < 0 {
		end = len(text)
	}
	word := text[:end]
	if word == "" {
		return nil, "", errPattern("a word is missing")
	}
	return func(m string) bool { return strings.Contains(m, word) }, text[end:], nil
}

func errPattern(format string, args ...any) error {
	return wrong("InvalidParameterException", "Invalid filter pattern: "+format, args...)
}
