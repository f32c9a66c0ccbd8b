// Package parser reads a script into its tree. It knows the grammar (grammar.txt in the folder above) but no types, and
// it goes on after a mistake: a line that cannot be read is reported once, its block is skipped, and the next line is
// read as if nothing had happened.
//
// It accepts a little more than the language: unknown verbs, properties and adverbs are left to the checker, which can
// say what was meant.
package parser
