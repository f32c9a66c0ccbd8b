// Package lsp is a language server for deployment scripts: what an editor asks while somebody types. It speaks the Language
// Server Protocol 3.17 on a pair of streams.
//
// It knows what the checker and the catalog know, no cloud and no file: an editor sends the text of what it has open. A
// document is parsed and checked once after each change; every answer is read off that.
package lsp
