package expression

import "strings"

// token is a word, a #name, a :value, a number, an operator, or one byte that belongs to none of these. The text is empty
// at the end of the expression.
type token struct {
	text       string
	start, end int
}

func wordByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

// scan cuts an expression into tokens, with one for the end.
func scan(text string) []token {
	tokens := make([]token, 0, 16)
	for i := 0; i < len(text); {
		start := i
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			i++
			continue
		case c == '#' || c == ':' || wordByte(c):
			for i++; i < len(text) && wordByte(text[i]); i++ {
			}
		case strings.HasPrefix(text[i:], "<=") || strings.HasPrefix(text[i:], ">=") || strings.HasPrefix(text[i:], "<>"):
			i += 2
		default:
			i++
		}
		tokens = append(tokens, token{text[start:i], start, i})
	}
	return append(tokens, token{"", len(text), len(text)})
}

// isName reports whether the token can name an attribute: a word that does not begin with a digit, or a #name.
func (t token) isName() bool {
	if t.text == "" {
		return false
	}
	c := t.text[0]
	return c == '#' && len(t.text) > 1 || wordByte(c) && (c < '0' || c > '9')
}

func (t token) isNumber() bool {
	return t.text != "" && strings.Trim(t.text, "0123456789") == ""
}

func (t token) is(keyword string) bool { return strings.EqualFold(t.text, keyword) }
