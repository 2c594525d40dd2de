package signature

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/gantrycd/gantry/plan/identity"
)

// Keys are the public keys that are trusted.
type Keys struct{ trusted []trusted }

// trusted is one of them.
type trusted struct {
	id, name, file string
	verify         func(message, signature []byte) error
	// after and before bound when it is taken; zero is not bounded.
	after, before time.Time
}

// refuses says why the key is not taken at a time; empty where it is.
func (t *trusted) refuses(now time.Time) string {
	switch {
	case !t.after.IsZero() && now.Before(t.after):
		return "is valid only after " + t.after.UTC().Format(time.RFC3339)
	case !t.before.IsZero() && !now.Before(t.before):
		return "was valid only before " + t.before.UTC().Format(time.RFC3339)
	}
	return ""
}

// LoadKeys reads trusted keys from files: a public Ed25519 key in PEM, SSH public keys
// (a line each), or an allowed_signers file of OpenSSH.
func LoadKeys(paths ...string) (*Keys, error) {
	keys := &Keys{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading a key: %w", err)
		}
		found, err := parseKeys(text)
		if err != nil {
			return nil, fmt.Errorf("key file %s: %w", path, err)
		}
		for _, key := range found {
			key.file = path
			keys.trusted = append(keys.trusted, key)
		}
	}
	return keys, nil
}

// String lists the keys' ids.
func (k *Keys) String() string {
	ids := make([]string, len(k.trusted))
	for i, key := range k.trusted {
		ids[i] = key.id
	}
	return strings.Join(ids, ", ")
}

func parseKeys(text []byte) ([]trusted, error) {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("-----BEGIN")) {
		return parsePEM(text)
	}
	var out []trusted
	for number, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number+1, err)
		}
		if key != nil {
			out = append(out, *key)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("there is no key for %s in it: expected a public key in PEM, SSH public keys, or lines of allowed_signers", Namespace)
	}
	return out, nil
}

func parsePEM(text []byte) ([]trusted, error) {
	var out []trusted
	for {
		var block *pem.Block
		block, text = pem.Decode(text)
		if block == nil {
			break
		}
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			return nil, errors.New("it is a private key: who verifies needs the public key only (openssl pkey -pubout, or the .pub file)")
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil || block.Type != "PUBLIC KEY" {
			return nil, fmt.Errorf("its %s cannot be read: expected a PUBLIC KEY", block.Type)
		}
		public, ok := parsed.(ed25519.PublicKey)
		if !ok {
			return nil, fmt.Errorf("it is a key of another kind (%T): expected Ed25519", parsed)
		}
		out = append(out, trusted{id: ed25519ID(public), verify: func(message, signature []byte) error {
			if !ed25519.Verify(public, message, signature) {
				return errors.New("it does not match")
			}
			return nil
		}})
	}
	if len(out) == 0 || len(bytes.TrimSpace(text)) > 0 {
		return nil, errors.New("its PEM cannot be read")
	}
	return out, nil
}

// parseLine parses a public key, or a line of allowed_signers; nil where that is for
// other namespaces.
func parseLine(line string) (*trusted, error) {
	first, _, _ := strings.Cut(line, " ")
	if isKeyType(first) {
		public, comment, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			return nil, errors.New("it is no SSH public key that can be read")
		}
		return trustSSH(public, comment)
	}
	return parseAllowed(line)
}

func isKeyType(word string) bool {
	return strings.HasPrefix(word, "ssh-") || strings.HasPrefix(word, "ecdsa-sha2-") || strings.HasPrefix(word, "sk-")
}

func trustSSH(public ssh.PublicKey, name string) (*trusted, error) {
	if err := identity.CheckKey(public); err != nil {
		return nil, err
	}
	return &trusted{id: ssh.FingerprintSHA256(public), name: name, verify: func(message, signature []byte) error {
		return verifySSH(public, message, signature)
	}}, nil
}
