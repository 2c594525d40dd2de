package ssh

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/object"
)

// pair is a private key, its file, and how it is listed.
type pair struct {
	private any
	file    string
	listed  identity.Key
}

func newPair(t *testing.T, name string, private any, passphrase string) pair {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	var block *pem.Block
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(private, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return pair{private, file, identity.Key{
		Name: name, Groups: []string{"example:web", "example:sre", "example:web"},
		PublicKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))) + " a comment",
	}}
}

func ed(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func agentWith(t *testing.T, keys ...pair) string {
	t.Helper()
	keyring := agent.NewKeyring()
	for _, key := range keys {
		if err := keyring.Add(agent.AddedKey{PrivateKey: key.private}); err != nil {
			t.Fatal(err)
		}
	}
	folder, err := os.MkdirTemp("", "agent") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	listener, err := net.Listen("unix", filepath.Join(folder, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(keyring, connection) }()
		}
	}()
	return listener.Addr().String()
}

// TestKeysThatAreListed: whoever has a key that is listed is known, by its file or an agent.
func TestKeysThatAreListed(t *testing.T) {
	t.Parallel()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]pair{
		"ed25519": newPair(t, "alice", ed(t), ""), "ecdsa": newPair(t, "alice", ec, ""), "rsa": newPair(t, "alice", big, ""),
	} {
		other := newPair(t, "bob", ed(t), "")
		listed := []identity.Key{other.listed, key.listed}
		want := identity.Identity{Name: "alice", Subject: "alice", Issuer: "ssh", Groups: []string{"example:sre", "example:web"}, Means: identity.SSH, Verified: true}
		byFile, err := WithFile(listed, key.file, "")
		if diff := cmp.Diff(want, byFile); err != nil || diff != "" {
			t.Errorf("%s: %v, by its file (-want +got):\n%s", name, err, diff)
		}
		byAgent, err := WithAgent(t.Context(), listed, agentWith(t, newPair(t, "", ed(t), ""), key))
		if diff := cmp.Diff(want, byAgent); err != nil || diff != "" {
			t.Errorf("%s: %v, by an agent (-want +got):\n%s", name, err, diff)
		}
	}
}

// TestKeysThatAreNot: nobody is known by another key, or by what is none.
func TestKeysThatAreNot(t *testing.T) {
	t.Parallel()
	alice, mallory := newPair(t, "alice", ed(t), ""), newPair(t, "mallory", ed(t), "")
	locked := newPair(t, "carol", ed(t), "correct")
	nothing := filepath.Join(t.TempDir(), "nothing")
	if err := os.WriteFile(nothing, []byte("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	listed := []identity.Key{alice.listed, locked.listed}
	for name, test := range map[string]struct {
		file, want string
		passphrase object.Sensitive
	}{
		"another key":          {mallory.file, "is not listed", ""},
		"no key":               {nothing, "no private key", ""},
		"no file":              {nothing + "2", "there is no file", ""},
		"no passphrase":        {locked.file, "has a passphrase", ""},
		"the wrong passphrase": {locked.file, "no private key", "wrong-passphrase"},
	} {
		got, err := WithFile(listed, test.file, test.passphrase)
		if err == nil || got.Verified || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "c2VjcmV0") || strings.Contains(err.Error(), "wrong-pass") {
			t.Errorf("%s: %v %+v", name, err, got)
		}
	}
	if got, err := WithFile(listed, locked.file, "correct"); err != nil || !got.Verified {
		t.Errorf("with its passphrase: %v", err)
	}
	if _, err := WithAgent(t.Context(), listed, agentWith(t, mallory)); !errors.Is(err, ErrNone) {
		t.Errorf("another key in the agent: %v", err)
	}
	if _, err := WithAgent(t.Context(), listed, nothing); err == nil || !strings.Contains(err.Error(), "cannot be asked") {
		t.Errorf("no agent: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := WithAgent(ctx, listed, agentWith(t, alice)); err == nil {
		t.Error("an agent is asked by what has ended")
	}
}

// impostor signs with another key than it says.
type impostor struct {
	ssh.Signer
	real ssh.PublicKey
}

func (i impostor) PublicKey() ssh.PublicKey { return i.real }

// TestSignatures: only the signature of the very challenge, by the very key, counts.
func TestSignatures(t *testing.T) {
	t.Parallel()
	alice := newPair(t, "alice", ed(t), "")
	public, err := parse(alice.listed)
	if err != nil {
		t.Fatal(err)
	}
	mallory, err := ssh.NewSignerFromKey(ed(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := prove(alice.listed, public, impostor{mallory, public}); err == nil || !strings.Contains(err.Error(), "not by the key") {
		t.Errorf("%v", err)
	}
	own, err := ssh.NewSignerFromKey(alice.private)
	if err != nil {
		t.Fatal(err)
	}
	before, err := own.Sign(rand.Reader, toSign([]byte("an older challenge")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := check(alice.listed, public, toSign([]byte("this challenge")), before); err == nil {
		t.Error("the signature of another challenge counts")
	}
	// What a commit is signed with is of another namespace.
	elsewhere, err := own.Sign(rand.Reader, []byte("this challenge"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := check(alice.listed, public, toSign([]byte("this challenge")), elsewhere); err == nil {
		t.Error("a signature that was made for something else counts")
	}
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	key := newPair(t, "bob", big, "")
	public, err = parse(key.listed)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(big)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := signer.(ssh.AlgorithmSigner).SignWithAlgorithm(rand.Reader, toSign([]byte("c")), ssh.KeyAlgoRSA)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := check(key.listed, public, toSign([]byte("c")), weak); err == nil || !strings.Contains(err.Error(), "too weak") {
		t.Errorf("SHA-1: %v", err)
	}
}
