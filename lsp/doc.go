// Package lsp is a language server for deployment scripts: what an editor asks while somebody types. It speaks the Language
// Server Protocol 3.17 on a pair of streams.
//
// It knows what the checker and the catalog know, and no cloud: an editor sends the text of what it has open. A document is
// parsed after each change, and checked with the other files of its script, which it is told of; every answer is read off that.
package lsp
