package seal_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/seal"
)

func keyFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sshKey makes an SSH key: the private one as a file's text, and the public one.
func sshKey(t *testing.T, passphrase string) (private, public string) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block)), string(ssh.MarshalAuthorizedKey(signer.PublicKey()))
}

func encrypt(t *testing.T, text string, to ...string) []byte {
	t.Helper()
	var all []*seal.Addressee
	for _, one := range to {
		parsed, err := seal.ParseAddressee(one)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, parsed)
	}
	var out bytes.Buffer
	w, err := seal.Encrypt(&out, all)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestEveryAddresseeCanDecrypt(t *testing.T) {
	const passphrase = "open sesame"
	x, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	private, public := sshKey(t, "")
	locked, lockedPublic := sshKey(t, passphrase)
	installation := identity(t)
	sealed := encrypt(t, "the plan", x.Recipient().String(), public, lockedPublic, installation.Recipient().String())
	for name, path := range map[string]string{"age": keyFile(t, "# a key\n"+x.String()+"\n"), "ssh": keyFile(t, private), "ssh with a passphrase": keyFile(t, locked)} {
		keys, err := seal.LoadKeys(path, passphrase)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, keys := range [][]*seal.Key{keys, {installation.Key()}} {
			r, err := seal.Decrypt(bytes.NewReader(sealed), keys)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if text, err := io.ReadAll(r); err != nil || string(text) != "the plan" {
				t.Errorf("%s: %q, %v", name, text, err)
			}
		}
		if shown := fmt.Sprintf("%v %+v %#v", keys[0], keys[0], keys[0]); strings.Contains(shown, "0x") || !strings.Contains(shown, object.Redacted) {
			t.Errorf("printed: %s", shown)
		}
	}
	for name, keys := range map[string][]*seal.Key{"none": nil, "another": {identity(t).Key()}} {
		if _, err := seal.Decrypt(bytes.NewReader(sealed), keys); !errors.Is(err, seal.ErrWrongIdentity) {
			t.Errorf("%s: %v, want ErrWrongIdentity", name, err)
		}
	}
	for i := range sealed {
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 1
		r, err := seal.Decrypt(bytes.NewReader(damaged), []*seal.Key{installation.Key()})
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if err == nil {
			t.Fatalf("a flipped bit in byte %d goes unseen", i)
		}
	}
}

func TestKeysThatAreNone(t *testing.T) {
	locked, _ := sshKey(t, "open sesame")
	for want, text := range map[string]string{
		"expected secret keys": "hunter2\n", "protected by a passphrase": locked, "no SSH private key": "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n",
	} {
		if _, err := seal.LoadKeys(keyFile(t, text), ""); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := seal.LoadKeys(keyFile(t, locked), "wrong"); err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("a wrong passphrase: %v", err)
	}
	for _, text := range []string{"", "age1nonsense", "ssh-ed25519 AAAA", "hunter2"} {
		if _, err := seal.ParseAddressee(text); err == nil || !strings.Contains(err.Error(), "expected a public key") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := seal.ParseAddressee(identity(t).SecretKey().Reveal()); err == nil || !strings.Contains(err.Error(), "secret key") || strings.Contains(err.Error(), "AGE-SECRET-KEY-1") {
		t.Errorf("a secret key: %v", err)
	}
}
