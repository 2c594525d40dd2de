// Package sshsig is the signatures that OpenSSH makes with "ssh-keygen -Y sign", as its
// PROTOCOL.sshsig describes them, and the keys whose signatures count, as lines of
// allowed_signers.
//
// A signature is made for a namespace and counts for no other: "git" for commits and
// tags, "gantry-plan" for plans. The package reads no file and decides nothing about what
// was signed. Every package may import it.
package sshsig

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/pem"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/ssh"
)

const (
	magic   = "SSHSIG"
	version = 1
	armor   = "SSH SIGNATURE"
)

// blob is a signature, behind the magic.
type blob struct {
	Version   uint32
	PublicKey []byte
	Namespace string
	Reserved  string
	Hash      string
	Signature []byte
}

// signed is what is signed, behind the magic.
type signed struct {
	Namespace string
	Reserved  string
	Hash      string
	Digest    []byte
}

// Sign signs a message for a namespace.
func Sign(key ssh.Signer, namespace string, message []byte, random io.Reader) ([]byte, error) {
	const hash = "sha512"
	text, err := toSign(namespace, hash, message)
	if err != nil {
		return nil, err
	}
	var sig *ssh.Signature
	if algorithm, ok := key.(ssh.AlgorithmSigner); ok && key.PublicKey().Type() == ssh.KeyAlgoRSA {
		sig, err = algorithm.SignWithAlgorithm(random, text, ssh.KeyAlgoRSASHA512)
	} else {
		sig, err = key.Sign(random, text)
	}
	if err != nil {
		return nil, err
	}
	return append([]byte(magic), ssh.Marshal(blob{
		Version: version, PublicKey: key.PublicKey().Marshal(), Namespace: namespace, Hash: hash, Signature: ssh.Marshal(sig),
	})...), nil
}

// Unarmor returns the signature in a text that begins with "-----BEGIN SSH SIGNATURE-----".
func Unarmor(text []byte) ([]byte, error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != armor || len(block.Headers) > 0 || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errUnreadable
	}
	return block.Bytes, nil
}

var errUnreadable = errors.New("an SSH signature that cannot be read")

// Signer returns OpenSSH's fingerprint of the key that a signature says it was made with.
// It is not verified.
func Signer(signature []byte) (string, error) {
	b, err := parse(signature)
	if err != nil {
		return "", err
	}
	key, err := ssh.ParsePublicKey(b.PublicKey)
	if err != nil {
		return "", errUnreadable
	}
	return ssh.FingerprintSHA256(key), nil
}

func parse(signature []byte) (*blob, error) {
	rest, ok := bytes.CutPrefix(signature, []byte(magic))
	if !ok {
		return nil, errors.New("no SSH signature")
	}
	var b blob
	if err := ssh.Unmarshal(rest, &b); err != nil {
		return nil, errUnreadable
	}
	return &b, nil
}

// verify reports why a signature is not of a key over a message for a namespace.
func verify(key ssh.PublicKey, namespace string, message, signature []byte) error {
	b, err := parse(signature)
	switch {
	case err != nil:
		return err
	case b.Version != version:
		return fmt.Errorf("an SSH signature of version %d", b.Version)
	case b.Namespace != namespace:
		return fmt.Errorf("made for namespace %q, not %q", b.Namespace, namespace)
	case b.Reserved != "" || !bytes.Equal(b.PublicKey, key.Marshal()):
		return errors.New("made with another key than it names")
	}
	text, err := toSign(namespace, b.Hash, message)
	if err != nil {
		return err
	}
	var sig ssh.Signature
	if err := ssh.Unmarshal(b.Signature, &sig); err != nil || len(sig.Rest) > 0 {
		return errUnreadable
	}
	if key.Type() == ssh.KeyAlgoRSA && sig.Format != ssh.KeyAlgoRSASHA512 && sig.Format != ssh.KeyAlgoRSASHA256 {
		return fmt.Errorf("by %s, which is too weak", sig.Format)
	}
	if err := key.Verify(text, &sig); err != nil {
		return errors.New("it does not match")
	}
	return nil
}

// toSign is what stands for a message in a signature.
func toSign(namespace, hash string, message []byte) ([]byte, error) {
	var digest []byte
	switch hash {
	case "sha512":
		sum := sha512.Sum512(message)
		digest = sum[:]
	case "sha256":
		sum := sha256.Sum256(message)
		digest = sum[:]
	default:
		return nil, fmt.Errorf("over a digest by %q, not sha512 or sha256", hash)
	}
	return append([]byte(magic), ssh.Marshal(signed{Namespace: namespace, Hash: hash, Digest: digest})...), nil
}
