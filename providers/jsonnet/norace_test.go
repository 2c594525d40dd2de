//go:build !race

package jsonnet_test

// raceDetector is off.
const raceDetector = false
