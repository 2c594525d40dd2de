//go:build race

package jsonnet_test

// raceDetector makes stack frames several times larger than they are in what is shipped.
const raceDetector = true
