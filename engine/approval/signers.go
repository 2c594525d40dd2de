package approval

import (
	"strings"

	"github.com/gantrycd/gantry/plan/signature"
)

// Signs reports whether one of the signers that a protection names is who stands behind
// something: an entry is a public key (SSH or PEM), a key's ID, or for certificates
// "IDENTITY" or "ISSUER IDENTITY", where an asterisk in the identity stands for anything.
func Signs(signers []string, speaker Speaker) bool {
	for _, entry := range signers {
		entry = strings.TrimSpace(entry)
		if speaker.KeyID != "" {
			if entry == speaker.KeyID {
				return true
			}
			if keys, err := signature.ParseKeys([]byte(entry)); err == nil {
				for _, id := range keys.IDs() {
					if id == speaker.KeyID {
						return true
					}
				}
			}
			continue
		}
		identity := entry
		if issuer, rest, ok := strings.Cut(entry, " "); ok {
			if issuer != speaker.Issuer {
				continue
			}
			identity = strings.TrimSpace(rest)
		}
		if speaker.Identity != "" && like(identity, speaker.Identity) {
			return true
		}
	}
	return false
}
