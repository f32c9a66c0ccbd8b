package expression

import (
	_ "embed"
	"strings"
)

// reservedText is DynamoDB's list of reserved words, one a line. An attribute of such a name is written as a #name.
//
//go:embed reserved.txt
var reservedText string

var reservedWords = func() map[string]bool {
	words := map[string]bool{}
	for w := range strings.FieldsSeq(reservedText) {
		words[w] = true
	}
	return words
}()

// reserved reports whether a word, in upper or lower case, is on the list.
func reserved(word string) bool { return reservedWords[strings.ToUpper(word)] }
