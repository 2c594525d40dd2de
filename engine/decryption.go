package engine

import (
	"context"
	"io/fs"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/providers"
)

// decrypting is a tree of a source in which an application reads encrypted files in the
// clear, with the keys that are for it.
func (e *Engine) decrypting(ctx context.Context, app *lang.Application, tree fs.FS) fs.FS {
	if e.options.Decrypter == nil {
		return tree
	}
	return e.options.Decrypter.Decrypt(ctx, tree, app.Decryption)
}

// shortestDecrypted is how long a decrypted value must be to be looked for. Files that are
// encrypted as a whole hold names and words beside what is secret: a user that is called as
// its application is no secret outside of a Secret.
const shortestDecrypted = 8

// decryptedValues are the values that were decrypted for a rendering, in all spellings that
// are looked for.
func decryptedValues(in *providers.Input) []string {
	var out []string
	add := func(tree fs.FS) {
		if decrypted, ok := tree.(providers.Decrypted); ok {
			for _, value := range decrypted.Secrets() {
				if len(value) >= shortestDecrypted {
					out = append(out, spellings(value)...)
				}
			}
		}
	}
	add(in.Tree)
	for _, tree := range in.Refs {
		add(tree)
	}
	return longestFirst(out)
}
