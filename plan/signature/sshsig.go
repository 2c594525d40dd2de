package signature

import (
	"bytes"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/ssh"
)

// This file is the signature format of OpenSSH's PROTOCOL.sshsig.

const (
	sshMagic   = "SSHSIG"
	sshVersion = 1
	sshHash    = "sha512"
)

// sshBlob is a signature, behind the magic.
type sshBlob struct {
	Version   uint32
	PublicKey []byte
	Namespace string
	Reserved  string
	Hash      string
	Signature []byte
}

// sshSigned is what is signed, behind the magic.
type sshSigned struct {
	Namespace string
	Reserved  string
	Hash      string
	Digest    []byte
}

func signSSH(key ssh.Signer, message []byte, random io.Reader) ([]byte, error) {
	var sig *ssh.Signature
	var err error
	if algorithm, ok := key.(ssh.AlgorithmSigner); ok && key.PublicKey().Type() == ssh.KeyAlgoRSA {
		sig, err = algorithm.SignWithAlgorithm(random, toSign(message), ssh.KeyAlgoRSASHA512)
	} else {
		sig, err = key.Sign(random, toSign(message))
	}
	if err != nil {
		return nil, err
	}
	return append([]byte(sshMagic), ssh.Marshal(sshBlob{
		Version: sshVersion, PublicKey: key.PublicKey().Marshal(), Namespace: Namespace, Hash: sshHash, Signature: ssh.Marshal(sig),
	})...), nil
}

// verifySSH reports why a signature is not of a key over a message.
func verifySSH(key ssh.PublicKey, message, signature []byte) error {
	rest, ok := bytes.CutPrefix(signature, []byte(sshMagic))
	if !ok {
		return errors.New("no SSH signature")
	}
	var blob sshBlob
	if err := ssh.Unmarshal(rest, &blob); err != nil {
		return errors.New("an SSH signature that cannot be read")
	}
	switch {
	case blob.Version != sshVersion:
		return fmt.Errorf("an SSH signature of version %d", blob.Version)
	case blob.Namespace != Namespace:
		return fmt.Errorf("made for namespace %q, not %q", blob.Namespace, Namespace)
	case blob.Hash != sshHash:
		return fmt.Errorf("over a digest by %q, not %s", blob.Hash, sshHash)
	case blob.Reserved != "" || !bytes.Equal(blob.PublicKey, key.Marshal()):
		return errors.New("made with another key than it names")
	}
	var sig ssh.Signature
	if err := ssh.Unmarshal(blob.Signature, &sig); err != nil || len(sig.Rest) > 0 {
		return errors.New("an SSH signature that cannot be read")
	}
	if key.Type() == ssh.KeyAlgoRSA && sig.Format != ssh.KeyAlgoRSASHA512 && sig.Format != ssh.KeyAlgoRSASHA256 {
		return fmt.Errorf("by %s, which is too weak", sig.Format)
	}
	if err := key.Verify(toSign(message), &sig); err != nil {
		return errors.New("it does not match")
	}
	return nil
}

// toSign is what stands for a message in a signature.
func toSign(message []byte) []byte {
	sum := sha512.Sum512(message)
	return append([]byte(sshMagic), ssh.Marshal(sshSigned{Namespace: Namespace, Hash: sshHash, Digest: sum[:]})...)
}
