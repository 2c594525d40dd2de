package providers

import (
	"context"
	"io/fs"

	"github.com/gantrycd/gantry/plan/target"
)

// Decrypter opens what sources hold encrypted. It is safe for concurrent use.
type Decrypter interface {
	// Decrypt returns a tree in which encrypted files are read in the clear, with the keys
	// that are named, or where that is nil with those of the environment. What cannot be
	// decrypted is an error of who reads the file.
	Decrypt(ctx context.Context, tree fs.FS, keys *target.Decryption) Decrypted
}

// Decrypted is a tree that decrypts.
type Decrypted interface {
	fs.FS
	// Secrets returns the values that were decrypted so far, sorted.
	Secrets() []string
	// Unkept reports whether something was decrypted, so that what is made of the tree must
	// not be kept.
	Unkept() bool
}
