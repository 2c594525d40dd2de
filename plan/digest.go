package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
)

// Digest is "sha256:…" over the change digests of the applications that change, with their
// addresses, or "" where none does. Plans that do the same have the same.
func (p *Plan) Digest() string {
	hash := sha256.New()
	changes := false
	for i := range p.Applications {
		a := &p.Applications[i]
		if !a.HasChanges() && !a.IsBlocked() {
			continue
		}
		changes = true
		// A hash takes all that it is given. Lengths keep one text from being two others.
		_, _ = io.WriteString(hash, fmt.Sprintf("%d:%s%d:%s", len(a.Address.String()), a.Address, len(a.Digest), a.Digest))
	}
	if !changes {
		return ""
	}
	return "sha256:" + hex.EncodeToString(hash.Sum(nil))
}
