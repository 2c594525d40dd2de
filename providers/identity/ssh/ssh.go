// Package ssh knows people by the SSH keys that the configuration lists: whoever has one
// signs a challenge with it, from a file or from an agent.
//
// What is signed is made as in OpenSSH's PROTOCOL.sshsig, in a namespace of its own, so that
// the signature is of no use elsewhere, and no other counts here. What an identity may do is
// decided elsewhere. cmd and the packages beside it import it.
package ssh

import (
	"context"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/object"
)

// Namespace is what signatures are made for.
const Namespace = "identity@gantry"

// Issuer is that of the identities.
const Issuer = "ssh"

// agentTimeout is how long an agent may take: it may ask its owner.
const agentTimeout = time.Minute

// WithFile proves who runs the command with the private key in a file.
func WithFile(keys []identity.Key, path string, passphrase object.Sensitive) (identity.Identity, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return identity.Identity{}, fmt.Errorf("there is no file %s to read the SSH key from", path)
	}
	if err != nil {
		return identity.Identity{}, fmt.Errorf("the SSH key cannot be read: %w", err)
	}
	var signer ssh.Signer
	if passphrase == "" {
		signer, err = ssh.ParsePrivateKey(text)
	} else {
		signer, err = ssh.ParsePrivateKeyWithPassphrase(text, []byte(passphrase.Reveal()))
	}
	var missing *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &missing):
		return identity.Identity{}, fmt.Errorf("the SSH key in %s has a passphrase: put the key into an agent, or the passphrase into GANTRY_IDENTITY_PASSPHRASE", path)
	case err != nil:
		// The library's words may have parts of the file.
		return identity.Identity{}, fmt.Errorf("%s has no private key of SSH that can be read here", path)
	}
	for _, key := range keys {
		if public, err := parse(key); err == nil && equal(public, signer.PublicKey()) {
			return prove(key, public, signer)
		}
	}
	return identity.Identity{}, fmt.Errorf("the SSH key in %s (%s) is not listed in gantry { identity }", path, ssh.FingerprintSHA256(signer.PublicKey()))
}

// ErrNone means that an agent has none of the keys.
var ErrNone = errors.New("the SSH agent has none of the keys that are listed in gantry { identity }")

// WithAgent proves who runs the command with the first of the keys that an agent holds, in
// the order of the keys. socket is what SSH_AUTH_SOCK says.
func WithAgent(ctx context.Context, keys []identity.Key, socket string) (identity.Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, agentTimeout)
	defer cancel()
	connection, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return identity.Identity{}, fmt.Errorf("the SSH agent cannot be asked: %w", err)
	}
	defer func() { _ = connection.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = connection.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	client := agent.NewClient(connection)
	held, err := client.Signers()
	if err != nil {
		return identity.Identity{}, asked(ctx, err)
	}
	for _, key := range keys {
		public, err := parse(key)
		if err != nil {
			continue // which the language has refused
		}
		for _, signer := range held {
			if equal(public, signer.PublicKey()) {
				found, err := prove(key, public, signer)
				if err != nil {
					return identity.Identity{}, asked(ctx, err)
				}
				return found, nil
			}
		}
	}
	return identity.Identity{}, ErrNone
}

func asked(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return fmt.Errorf("the SSH agent does not sign: %w", err)
}

// prove has a challenge signed, and verifies the signature with the key that is listed.
func prove(key identity.Key, public ssh.PublicKey, signer ssh.Signer) (identity.Identity, error) {
	if err := identity.CheckKey(public); err != nil {
		return identity.Identity{}, err
	}
	challenge := make([]byte, 64)
	if _, err := rand.Read(challenge); err != nil {
		return identity.Identity{}, fmt.Errorf("making a challenge: %w", err)
	}
	message := toSign(challenge)
	var signature *ssh.Signature
	var err error
	if algorithm, ok := signer.(ssh.AlgorithmSigner); ok && public.Type() == ssh.KeyAlgoRSA {
		signature, err = algorithm.SignWithAlgorithm(rand.Reader, message, ssh.KeyAlgoRSASHA512)
	} else {
		signature, err = signer.Sign(rand.Reader, message)
	}
	if err != nil {
		return identity.Identity{}, fmt.Errorf("signing with the key of %q: %w", key.Name, err)
	}
	return check(key, public, message, signature)
}

// check returns whose key it is, if the signature over the message was made with it.
func check(key identity.Key, public ssh.PublicKey, message []byte, signature *ssh.Signature) (identity.Identity, error) {
	if public.Type() == ssh.KeyAlgoRSA && signature.Format != ssh.KeyAlgoRSASHA512 && signature.Format != ssh.KeyAlgoRSASHA256 {
		return identity.Identity{}, fmt.Errorf("the signature for the key of %q is by %s, which is too weak", key.Name, signature.Format)
	}
	if err := public.Verify(message, signature); err != nil {
		return identity.Identity{}, fmt.Errorf("the signature is not by the key of %q", key.Name)
	}
	return identity.Identity{
		Name: key.Name, Subject: key.Name, Issuer: Issuer, Groups: identity.Usual(key.Groups), Means: identity.SSH, Verified: true,
	}, nil
}

// toSign is what stands for a challenge in a signature.
func toSign(challenge []byte) []byte {
	const magic, hash = "SSHSIG", "sha512"
	sum := sha512.Sum512(challenge)
	return append([]byte(magic), ssh.Marshal(struct {
		Namespace, Reserved, Hash string
		Digest                    []byte
	}{Namespace, "", hash, sum[:]})...)
}

func parse(key identity.Key) (ssh.PublicKey, error) {
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(strings.TrimSpace(key.PublicKey)))
	return public, err
}

func equal(a, b ssh.PublicKey) bool { return string(a.Marshal()) == string(b.Marshal()) }
