//go:build race

package schedule_test

// slower is how many times longer the race detector takes.
const slower = 20
