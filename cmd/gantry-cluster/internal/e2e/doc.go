// Package e2e tests the binary of gantry-cluster as its users have it, with
// clusters that it starts. It has no code of its own.
package e2e
