// Package scanner cuts a script into lines, judges their indentation, and cuts code lines into tokens. All of it is
// linear in the length of the script, line by line, without knowledge of statements: what a line means is the parser's
// business.
package scanner
