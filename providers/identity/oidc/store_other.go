//go:build !unix

package oidc

import "io/fs"

// othersMay is not told by a file's mode here: the folder is the user's own.
func othersMay(fs.FileMode) bool { return false }
