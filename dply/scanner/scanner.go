package scanner

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"quotewire/dply/token"
)

// Mistake is the first thing that is wrong with the tokens of a line.
type Mistake struct {
	Column  int
	Code    string
	Message string
	Hint    string
}

// Tokens cuts a code line into tokens, appended to buf. The comment is returned with its slashes. After a mistake the
// tokens are those before it.
func Tokens(line token.Line, buf []token.Token) (tokens []token.Token, comment string, m *Mistake) {
	s := &scan{text: line.Text, offset: len(line.Indent), column: utf8.RuneCountInString(line.Indent) + 1, tokens: buf}
	for s.next() {
	}
	return s.tokens, s.comment, s.mistake
}

// scan is the state of one line.
type scan struct {
	text    string
	offset  int // of the next character, in bytes
	column  int // of the next character, in characters
	tokens  []token.Token
	comment string
	mistake *Mistake
}

// next takes one token. It returns false at the end of the line and after a mistake.
func (s *scan) next() bool {
	for {
		c, size := s.peek()
		if size == 0 {
			return false
		}
		if !unicode.IsSpace(c) {
			break
		}
		s.offset += size
		s.column++
	}
	c, size := s.peek()
	rest := s.text[s.offset:]
	switch {
	case isLetter(c):
		return s.take(token.Ident, span(rest, func(c rune) bool { return isLetter(c) || unicode.IsDigit(c) })) && s.apart()
	case isDigit(c):
		return s.number(rest)
	case c == '"' || c == '\'':
		return s.quoted(token.String, rest)
	case c == '`':
		return s.quoted(token.Template, rest)
	case c == '@':
		return s.adverb(rest)
	case isSymbol(c):
		run := span(rest, isSymbol)
		if strings.HasPrefix(rest, "//") {
			s.comment = rest
			return false
		}
		return s.take(token.Symbol, run)
	case strings.ContainsRune("()[]{},:", c):
		return s.take(token.Punct, 1)
	case c == ';':
		return s.fail(s.column, "E10", "; is reserved and has no meaning yet", "A statement ends with its line. Write the next one on a line of its own.")
	case c == utf8.RuneError && size == 1:
		return s.fail(s.column, "E10", fmt.Sprintf("byte %#02x is not UTF-8 text", rest[0]), "Save the script as UTF-8.")
	}
	return s.fail(s.column, "E10", fmt.Sprintf("invalid character %s", describe(c)), invalidHint(c))
}

func (s *scan) peek() (rune, int) { return utf8.DecodeRuneInString(s.text[s.offset:]) }

// take makes a token of the next n bytes.
func (s *scan) take(kind token.Kind, n int) bool {
	text := s.text[s.offset : s.offset+n]
	s.tokens = append(s.tokens, token.Token{Kind: kind, Text: text, Column: s.column, Offset: s.offset})
	s.offset += n
	s.column += utf8.RuneCountInString(text)
	return true
}

func (s *scan) fail(column int, code, message, hint string) bool {
	s.mistake = &Mistake{column, code, message, hint}
	return false
}

// apart holds that the word just taken is not run together with a string.
func (s *scan) apart() bool {
	if c, _ := s.peek(); c == '"' || c == '\'' || c == '`' {
		last := s.tokens[len(s.tokens)-1].Text
		return s.fail(s.column, "E12", fmt.Sprintf("space required between %s and the string after it", last), "Put a space before the quote.")
	}
	return true
}

// number takes the longest valid number: 24hours is the number 24 and the word hours.
func (s *scan) number(rest string) bool {
	n := span(rest, isDigit)
	if hex := strings.HasPrefix(rest, "0x") || strings.HasPrefix(rest, "0X"); hex {
		digits := span(rest[2:], isHex)
		if digits == 0 {
			return s.fail(s.column, "E13", rest[:2]+" is not a valid number", "Hexadecimal digits follow 0x, as in 0x3f.")
		}
		n = 2 + digits
	} else {
		if n < len(rest) && rest[n] == '.' {
			fraction := span(rest[n+1:], isDigit)
			if after := n + 1 + fraction; fraction == 0 || after < len(rest) && rest[after] == '.' {
				word := rest[:span(rest, func(c rune) bool { return isLetter(c) || unicode.IsDigit(c) })]
				return s.fail(s.column, "E13", word+" is not a valid number", "A number has digits on both sides of its one point, as in 1.5. A version or an address is a string: put it in quotes.")
			}
			n += 1 + fraction
		}
		n += exponent(rest[n:])
	}
	if _, err := ParseNumber(rest[:n]); err != nil {
		return s.fail(s.column, "E13", rest[:n]+" is not a valid number", "Numbers are 64-bit floats, up to about 1.8e308.")
	}
	return s.take(token.Number, n) && s.apart()
}

// ParseNumber is the value of a number token.
func ParseNumber(text string) (float64, error) {
	if strings.HasPrefix(text, "0x") || strings.HasPrefix(text, "0X") {
		text += "p0"
	}
	return strconv.ParseFloat(text, 64)
}

// exponent is the length of the exponent at the start of text, 0 if there is none.
func exponent(text string) int {
	if text == "" || text[0] != 'e' && text[0] != 'E' {
		return 0
	}
	n := 1
	if n < len(text) && (text[n] == '+' || text[n] == '-') {
		n++
	}
	if digits := span(text[n:], isDigit); digits > 0 {
		return n + digits
	}
	return 0
}

// quoted takes a string or a template. The delimiter written twice stands for itself; nothing else is special to it.
func (s *scan) quoted(kind token.Kind, rest string) bool {
	quote := rest[0]
	for n := 1; n < len(rest); {
		c, size := utf8.DecodeRuneInString(rest[n:])
		switch {
		case c == utf8.RuneError && size == 1:
			return s.fail(s.column+utf8.RuneCountInString(rest[:n]), "E10", fmt.Sprintf("byte %#02x is not UTF-8 text", rest[n]), "Save the script as UTF-8.")
		case rest[n] != quote:
			n += size
		case n+1 < len(rest) && rest[n+1] == quote:
			n += 2
		default:
			return s.take(kind, n+1) && s.closed()
		}
	}
	return s.fail(s.column, "E11", "string not closed on this line", fmt.Sprintf("Close it with %c. To have that character in a string, write it twice.", quote))
}

// closed holds that the string just taken is not run together with what follows.
func (s *scan) closed() bool {
	if c, size := s.peek(); size > 0 && (isLetter(c) || unicode.IsDigit(c) || c == '+' || c == '-') {
		return s.fail(s.column, "E12", fmt.Sprintf("space required between the string and %c", c), "Put a space after the closing quote. To have a quote in a string, write it twice.")
	}
	return true
}

// adverb takes @ and its name.
func (s *scan) adverb(rest string) bool {
	n := 1 + span(rest[1:], unicode.IsLetter)
	if n == 1 {
		return s.fail(s.column, "E14", "@ without a name", "An adverb is @ and letters, such as @teardown. In a string, @ needs quotes around it.")
	}
	if c, size := utf8.DecodeRuneInString(rest[n:]); size > 0 && !unicode.IsSpace(c) {
		return s.fail(s.column+utf8.RuneCountInString(rest[:n]), "E14", fmt.Sprintf("space required between %s and %c", rest[:n], c), "An adverb is @ and letters, followed by a space: @teardown delete.")
	}
	return s.take(token.Adverb, n)
}

// span is the length of the prefix of text that holds only such characters.
func span(text string, is func(rune) bool) int {
	if i := strings.IndexFunc(text, func(c rune) bool { return !is(c) }); i >= 0 {
		return i
	}
	return len(text)
}

func isLetter(c rune) bool { return c == '_' || c == '.' || unicode.IsLetter(c) }
func isDigit(c rune) bool  { return '0' <= c && c <= '9' }
func isHex(c rune) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
func isSymbol(c rune) bool { return strings.ContainsRune("+-*/<=>!$%&|", c) }

// describe names a character so that an invisible one can be told too.
func describe(c rune) string {
	if unicode.IsGraphic(c) && !unicode.IsSpace(c) {
		return fmt.Sprintf("%c (%U)", c, c)
	}
	return fmt.Sprintf("%U", c)
}

// invalidHint says what was probably meant by a character that word processors and web pages put into scripts.
func invalidHint(c rune) string {
	switch c {
	case '“', '”', '„', '«', '»':
		return `Strings stand between straight quotes: "…" or '…'.`
	case '‘', '’', '‚':
		return `Strings stand between straight quotes: "…" or '…'.`
	case '–', '—', '−':
		return "The minus sign and the arrows <- and -> are written with the plain hyphen."
	case '→', '⇒', '←', '⇐':
		return "Arrows are written with plain characters: <-, ->, <= and =>."
	case '#':
		return "A comment begins with //, or stands in a line of its own that is not indented."
	case '\\':
		return "There are no escapes outside strings, nor in them."
	}
	return "Put text in quotes. A line of prose begins in column 1."
}
