package sshsig

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/gantrycd/gantry/plan/identity"
)

// Key is a public key whose signatures count, for one namespace.
type Key struct {
	// ID is OpenSSH's fingerprint: "SHA256:…".
	ID string
	// Name is who signs with it, as the one who trusts it says: the principals of
	// allowed_signers, or the comment of a public key. It may be empty.
	Name string
	// After and Before bound when it counts; zero is not bounded.
	After, Before time.Time

	public    ssh.PublicKey
	namespace string
}

// Parse reads public keys and lines of allowed_signers, and returns those that are for a
// namespace. Empty lines and comments are passed over.
func Parse(namespace, text string) ([]Key, error) {
	var out []Key
	for number, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := ParseLine(namespace, line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number+1, err)
		}
		if key != nil {
			out = append(out, *key)
		}
	}
	return out, nil
}

// ParseLine reads a public key, or a line of allowed_signers; nil where that is for other
// namespaces.
func ParseLine(namespace, line string) (*Key, error) {
	first, _, _ := strings.Cut(line, " ")
	if !isKeyType(first) {
		return parseAllowed(namespace, line)
	}
	public, comment, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return nil, errors.New("it is no SSH public key that can be read")
	}
	return trust(namespace, public, comment)
}

func isKeyType(word string) bool {
	return strings.HasPrefix(word, "ssh-") || strings.HasPrefix(word, "ecdsa-sha2-") || strings.HasPrefix(word, "sk-")
}

func trust(namespace string, public ssh.PublicKey, name string) (*Key, error) {
	if err := identity.CheckKey(public); err != nil {
		return nil, err
	}
	return &Key{ID: ssh.FingerprintSHA256(public), Name: name, public: public, namespace: namespace}, nil
}

// Refuses says why the key does not count at a time; empty where it does.
func (k *Key) Refuses(at time.Time) string {
	switch {
	case !k.After.IsZero() && at.Before(k.After):
		return "is valid only after " + k.After.UTC().Format(time.RFC3339)
	case !k.Before.IsZero() && !at.Before(k.Before):
		return "was valid only before " + k.Before.UTC().Format(time.RFC3339)
	}
	return ""
}

// Verify reports why a signature is not of the key over a message. It does not ask
// Refuses.
func (k *Key) Verify(message, signature []byte) error {
	return verify(k.public, k.namespace, message, signature)
}
