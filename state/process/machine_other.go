//go:build !linux && !darwin

package process

// machine is not known here.
func machine() string { return "" }
