//go:build race

package lambda

// raceEnabled: a program that is built with the race detector takes a good part of a second to start, and a sandbox
// starts with this very program. Tests that are not about confinement do without under the detector.
const raceEnabled = true
