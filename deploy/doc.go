// Package deploy brings a cloud into line with a script, and takes down what a script made.
//
// It turns the statements of the chosen targets into a graph of resources, reads what exists, compares, and then applies
// what differs in the order of the graph. Nothing is remembered between runs: reality is read from the cloud each time, a
// resource is known by its name, and a run that failed is repaired by running again. A run that finds nothing different
// makes no call that writes.
//
// The package knows no cloud and no particular resource. A [Provider] turns statements into resources, a [Resource] reads
// and writes itself, and a [View] is told what happens; the engine prints nothing.
//
// Errors that belong to a place in the script are a [token.List].
package deploy
