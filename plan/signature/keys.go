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

	"github.com/gantrycd/gantry/plan/sshsig"
)

// Keys are the public keys that are trusted.
type Keys struct{ trusted []trusted }

// trusted is one of them.
type trusted struct {
	id, name, file string
	verify         func(message, signature []byte) error
	refuses        func(now time.Time) string // why the key is not taken at a time; empty where it is
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
	found, err := sshsig.Parse(Namespace, string(text))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("there is no key for %s in it: expected a public key in PEM, SSH public keys, or lines of allowed_signers", Namespace)
	}
	out := make([]trusted, len(found))
	for i := range found {
		key := &found[i]
		out[i] = trusted{id: key.ID, name: key.Name, verify: key.Verify, refuses: key.Refuses}
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
		}, refuses: func(time.Time) string { return "" }})
	}
	if len(out) == 0 || len(bytes.TrimSpace(text)) > 0 {
		return nil, errors.New("its PEM cannot be read")
	}
	return out, nil
}
