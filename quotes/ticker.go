package quotes

import "fmt"

// maxTicker and maxUser bound names, in bytes. They keep every message within the 128 KB that a post may carry.
const (
	maxTicker = 16
	maxUser   = 64
)

// Ticker names what has a price: 1 to 16 upper-case letters, digits, dots and hyphens, such as EIQQ or BRK.B.
type Ticker string

// ParseTicker returns text as a ticker, or an error that says how tickers are written.
func ParseTicker(text string) (Ticker, error) {
	ok := len(text) > 0 && len(text) <= maxTicker
	for i := 0; ok && i < len(text); i++ {
		c := text[i]
		ok = 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-'
	}
	if !ok {
		return "", invalid("%s is not a ticker; a ticker is 1 to %d of A-Z, 0-9, dot and hyphen, such as EIQQ", quoted(text), maxTicker)
	}
	return Ticker(text), nil
}

// User is the id of someone who watches prices: 1 to 64 printable ASCII characters without space or quote.
type User string

// ParseUser returns text as a user's id, or an error that says how such ids are written.
func ParseUser(text string) (User, error) {
	ok := len(text) > 0 && len(text) <= maxUser
	for i := 0; ok && i < len(text); i++ {
		c := text[i]
		ok = '!' <= c && c <= '~' && c != '"' && c != '\\'
	}
	if !ok {
		return "", invalid("%s is not the id of a user; an id is 1 to %d letters, digits and signs without spaces, such as user003", quoted(text), maxUser)
	}
	return User(text), nil
}

// Invalid is an error in what someone else wrote: a message, a price, a ticker. Its text is meant for them.
type Invalid struct{ text string }

func (e *Invalid) Error() string { return e.text }

func invalid(format string, args ...any) error { return &Invalid{fmt.Sprintf(format, args...)} }

// quoted is text as an error shows it: in quotes, and short whatever was sent.
func quoted(text string) string {
	const most = 40
	if len(text) > most {
		return fmt.Sprintf("%q…", text[:most])
	}
	return fmt.Sprintf("%q", text)
}
