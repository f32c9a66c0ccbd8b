package logs

import "strings"

// parsePattern reads a filter pattern of words: all plain words and "quoted phrases" must be in the message, one of the
// ?words if there are any, and none of the -words. A JSON pattern is refused rather than taken for words.
func parsePattern(pattern string) (func(message string) bool, error) {
	rest := strings.TrimSpace(pattern)
	if strings.HasPrefix(rest, "{") || strings.HasPrefix(rest, "[") || strings.HasPrefix(rest, "%") {
		return nil, wrong("InvalidParameterException", "the embedded cloud has no filter patterns on JSON members, columns or regular expressions: %s", pattern)
	}
	var all, any, none []string
	for rest != "" {
		list := &all
		switch rest[0] {
		case '?':
			list, rest = &any, rest[1:]
		case '-':
			list, rest = &none, rest[1:]
		}
		var word string
		if strings.HasPrefix(rest, `"`) {
			end := strings.IndexByte(rest[1:], '"')
			if end < 0 {
				return nil, wrong("InvalidParameterException", "Invalid filter pattern: the quote is not closed")
			}
			word, rest = rest[1:1+end], rest[2+end:]
		} else {
			end := strings.IndexAny(rest, " \t")
			if end < 0 {
				end = len(rest)
			}
			word, rest = rest[:end], rest[end:]
		}
		if word != "" {
			*list = append(*list, word)
		}
		rest = strings.TrimLeft(rest, " \t")
	}
	return func(message string) bool {
		for _, w := range all {
			if !strings.Contains(message, w) {
				return false
			}
		}
		for _, w := range none {
			if strings.Contains(message, w) {
				return false
			}
		}
		for _, w := range any {
			if strings.Contains(message, w) {
				return true
			}
		}
		return len(any) == 0
	}, nil
}
