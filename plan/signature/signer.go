package signature

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/crypto/ssh"

	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/sshsig"
)

// Signer signs with one private key. It is secret: it prints as (sensitive).
type Signer struct {
	id   string
	sign func(message []byte) ([]byte, error)
}

// KeyID names the key as in Verified.
func (s *Signer) KeyID() string { return s.id }

// String returns object.Redacted.
func (s *Signer) String() string { return object.Redacted }

// GoString returns object.Redacted.
func (s *Signer) GoString() string { return object.Redacted }

// LoadSigner reads a private key from a file that only its owner may read: Ed25519 in
// PEM (PKCS #8), or an SSH key, which passphrase opens where it is protected by one.
func LoadSigner(path string, passphrase object.Sensitive) (*Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading a key: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading a key: %w", err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, fmt.Errorf("key file %s may be read by others (mode %04o): run chmod 600 on it", path, mode)
	}
	signer, err := ParseSigner(text, passphrase)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return signer, nil
}

// ParseSigner is LoadSigner of a file's content. Errors hold nothing of it.
func ParseSigner(text []byte, passphrase object.Sensitive) (*Signer, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("it is no private key: expected PEM (PKCS #8) of an Ed25519 key, or an SSH private key")
	}
	switch block.Type {
	case "PRIVATE KEY":
		return parsePKCS8(block.Bytes)
	case "PUBLIC KEY":
		return nil, errors.New("it is a public key: signing needs the private key that belongs to it")
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("it is an encrypted PKCS #8 key, which cannot be opened here: use an SSH key with a passphrase (ssh-keygen -t ed25519), or keep the key without one where only the signer can read it")
	default:
		return parseSSHSigner(text, passphrase)
	}
}

func parsePKCS8(der []byte) (*Signer, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("it is no PKCS #8 key that can be read")
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("it is a key of another kind (%T): expected Ed25519, as \"openssl genpkey -algorithm ed25519\" makes it", parsed)
	}
	public, _ := private.Public().(ed25519.PublicKey)
	return &Signer{
		id:   ed25519ID(public),
		sign: func(message []byte) ([]byte, error) { return ed25519.Sign(private, message), nil },
	}, nil
}

func parseSSHSigner(text []byte, passphrase object.Sensitive) (*Signer, error) {
	key, err := ssh.ParsePrivateKey(text)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		if passphrase == "" {
			return nil, errors.New("it is protected by a passphrase, and none is given")
		}
		if key, err = ssh.ParsePrivateKeyWithPassphrase(text, []byte(passphrase.Reveal())); err != nil {
			return nil, errors.New("it does not open with the passphrase that is given")
		}
	}
	if err != nil {
		return nil, errors.New("it is no SSH private key that can be read")
	}
	if err := identity.CheckKey(key.PublicKey()); err != nil {
		return nil, err
	}
	return &Signer{
		id:   ssh.FingerprintSHA256(key.PublicKey()),
		sign: func(message []byte) ([]byte, error) { return sshsig.Sign(key, Namespace, message, rand.Reader) },
	}, nil
}
