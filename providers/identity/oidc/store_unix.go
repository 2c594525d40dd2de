//go:build unix

package oidc

import "io/fs"

// othersMay reports whether others than its owner may do anything with a file.
func othersMay(mode fs.FileMode) bool { return mode.Perm()&0o077 != 0 }
