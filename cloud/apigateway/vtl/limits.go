package vtl

// The first two are API Gateway's. The others bound what one run may cost; no template that does honest work on a
// message of 128 KB comes near them.
const (
	maxTemplate   = 300 << 10 // bytes of a template
	maxIterations = 1000      // of one #foreach

	maxSteps  = 200_000  // nodes that a run visits
	maxOutput = 10 << 20 // bytes that a run prints
	maxBytes  = 64 << 20 // bytes of all strings that a run builds or looks through
	maxDepth  = 100      // of nested directives, expressions and values
)
