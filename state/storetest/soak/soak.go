// Package soak says how long the tests of faults go on: as long as CI has time for, as long as
// the promises need, or as long as the environment asks, so that what takes hours can be done
// in blocks. It is for tests alone.
package soak

import (
	"fmt"
	"os"
	"strconv"
)

// The environment of the tests, as cmd/internal/faults sets it.
const (
	// Variable is not empty where the long forms are asked for.
	Variable = "GANTRY_SOAK"
	// RoundsVariable is how many rounds, kills or seeds a test goes through, in place of
	// the number it has.
	RoundsVariable = "GANTRY_ROUNDS"
	// SeedVariable is the first seed of a test that goes through seeds. Alone, it is the
	// only one.
	SeedVariable = "GANTRY_SEED"
)

// Asked reports whether the long forms are asked for.
func Asked() bool { return os.Getenv(Variable) != "" }

// Rounds is how many rounds to go: what the environment says, or one of two numbers, for CI
// and for the long form.
func Rounds(short, long int) int {
	if n := number(RoundsVariable); n > 0 {
		return int(n)
	}
	if Asked() {
		return long
	}
	return short
}

// Seeds is the first seed and how many there are: from 1, as many as Rounds says, where the
// environment names none.
func Seeds(short, long int) (first uint64, count int) {
	first = number(SeedVariable)
	if first > 0 && number(RoundsVariable) == 0 {
		return first, 1
	}
	return max(first, 1), Rounds(short, long)
}

// number is that of a variable, 0 where it has none. It panics where it is none, for a test
// that goes on would say that it did what it was asked.
func number(variable string) uint64 {
	text := os.Getenv(variable)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		panic(fmt.Sprintf("$%s: %q is no count: %v", variable, text, err))
	}
	return n
}
