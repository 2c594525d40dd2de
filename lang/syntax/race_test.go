//go:build race

package syntax

// slower is how much longer things may take: the race detector slows them down.
const slower = 10
