// Package token has what every part of the language shares: places in a script, what can be wrong at a place, and the
// tokens of a line.
package token
