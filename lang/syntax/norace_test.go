//go:build !race

package syntax

// slower is how much longer things may take with the race detector, which is off.
const slower = 1
