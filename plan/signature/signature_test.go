package signature_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"golang.org/x/crypto/ssh"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/signature"
)

// pair is a key as files: the private one, and the public one.
type pair struct{ private, public string }

func file(t *testing.T, name string, text []byte, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func pemPair(t *testing.T) pair {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return pair{
		file(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8(t, private)}), 0o600),
		file(t, "key.pub.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix(t, public)}), 0o644),
	}
}

func pkcs8(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func pkix(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// sshPair is an SSH key; private is what crypto has, passphrase may be empty.
func sshPair(t *testing.T, private any, passphrase string) pair {
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
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))) + " ci@example.com\n"
	return pair{file(t, "id", pem.EncodeToMemory(block), 0o600), file(t, "id.pub", []byte(line), 0o644)}
}

func newEd25519(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func newRSA(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func newECDSA(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

const payloadType = "application/vnd.example+json"

var payload = []byte(`{"plan":{}}`)

// sign returns an envelope over payload.
func sign(t *testing.T, passphrase string, paths ...string) *dsse.Envelope {
	t.Helper()
	envelope := &dsse.Envelope{PayloadType: payloadType, Payload: base64.StdEncoding.EncodeToString(payload)}
	var signers []*signature.Signer
	for _, path := range paths {
		signer, err := signature.LoadSigner(path, object.Sensitive(passphrase))
		if err != nil {
			t.Fatal(err)
		}
		signers = append(signers, signer)
	}
	if err := signature.Sign(envelope, payload, signers); err != nil {
		t.Fatal(err)
	}
	return envelope
}

func keys(t *testing.T, paths ...string) *signature.Keys {
	t.Helper()
	loaded, err := signature.LoadKeys(paths...)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func TestSignaturesVerify(t *testing.T) {
	kinds := map[string]pair{
		"ed25519": pemPair(t), "ssh ed25519": sshPair(t, newEd25519(t), ""), "ssh with a passphrase": sshPair(t, newEd25519(t), "open sesame"),
		"ssh rsa": sshPair(t, newRSA(t, 2048), ""), "ssh ecdsa": sshPair(t, newECDSA(t), ""),
	}
	other := pemPair(t)
	flips := 0
	for name, key := range kinds {
		envelope := sign(t, "open sesame", key.private)
		found, err := keys(t, other.public, key.public).Verify(envelope, payload, time.Now())
		if err != nil || len(found) != 1 || found[0].File != key.public || found[0].KeyID != envelope.Signatures[0].KeyID {
			t.Fatalf("%s: %+v, %v", name, found, err)
		}
		if strings.HasPrefix(name, "ssh") && found[0].Name != "ci@example.com" {
			t.Errorf("%s: signed by %q", name, found[0].Name)
		}
		if _, err := keys(t, other.public).Verify(envelope, payload, time.Now()); !errors.Is(err, signature.ErrUntrusted) {
			t.Errorf("%s: another key: %v, want ErrUntrusted", name, err)
		}
		if _, err := keys(t, key.public).Verify(envelope, append(payload, ' '), time.Now()); !errors.Is(err, signature.ErrWrong) {
			t.Errorf("%s: another payload: %v, want ErrWrong", name, err)
		}
		retyped := *envelope
		retyped.PayloadType += "x"
		if _, err := keys(t, key.public).Verify(&retyped, payload, time.Now()); !errors.Is(err, signature.ErrWrong) {
			t.Errorf("%s: another type: %v, want ErrWrong", name, err)
		}
		sig, err := base64.StdEncoding.DecodeString(envelope.Signatures[0].Sig)
		if err != nil {
			t.Fatal(err)
		}
		for i := range sig {
			flipped := append([]byte{}, sig...)
			flipped[i] ^= 1
			spoiled := *envelope
			spoiled.Signatures = []dsse.Signature{{KeyID: envelope.Signatures[0].KeyID, Sig: base64.StdEncoding.EncodeToString(flipped)}}
			if _, err := keys(t, key.public).Verify(&spoiled, payload, time.Now()); !errors.Is(err, signature.ErrWrong) {
				t.Fatalf("%s: byte %d of the signature flipped: %v, want ErrWrong", name, i, err)
			}
			flips++
		}
	}
	t.Logf("%d kinds of key; %d flipped bytes of signatures, all refused", len(kinds), flips)
}

func TestWhatIsDemanded(t *testing.T) {
	one, two := pemPair(t), sshPair(t, newEd25519(t), "")
	if _, err := keys(t, one.public).Verify(sign(t, ""), payload, time.Now()); !errors.Is(err, signature.ErrUnsigned) {
		t.Errorf("no signature: %v, want ErrUnsigned", err)
	}
	both := sign(t, "", one.private, two.private)
	if found, err := keys(t, one.public, two.public).Verify(both, payload, time.Now()); err != nil || len(found) != 2 {
		t.Errorf("two signatures: %+v, %v", found, err)
	}
	if found, err := keys(t, two.public).Verify(both, payload, time.Now()); err != nil || len(found) != 1 {
		t.Errorf("one of two is trusted: %+v, %v", found, err)
	}
	both.Signatures[0].KeyID, both.Signatures[1].KeyID = both.Signatures[1].KeyID, both.Signatures[0].KeyID
	if _, err := keys(t, one.public, two.public).Verify(both, payload, time.Now()); !errors.Is(err, signature.ErrWrong) {
		t.Errorf("ids swapped: %v, want ErrWrong", err)
	}
}

func TestAllowedSigners(t *testing.T) {
	key := sshPair(t, newEd25519(t), "")
	public, err := os.ReadFile(key.public)
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(public))
	line := words[0] + " " + words[1]
	envelope := sign(t, "", key.private)
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"dev@example.com " + line: "",
		"# who may\n\n\"dev@example.com,ops@example.com\" namespaces=\"git,gantry-*\" " + line:                    "",
		"dev@example.com namespaces=\"gantry-plan\",valid-after=\"20260101Z\",valid-before=\"20270101Z\" " + line: "",
		"dev@example.com valid-before=\"20260701Z\" " + line:                                                      "was valid only before 2026-07-01T00:00:00Z",
		"dev@example.com valid-after=\"20260701120001Z\" " + line:                                                 "is valid only after",
		"dev@example.com namespaces=\"git\" " + line:                                                              "no key for gantry-plan",
		"dev@example.com namespaces=\"*,!gantry-plan\" " + line:                                                   "no key for gantry-plan",
		"dev@example.com cert-authority " + line:                                                                  "certificate authority",
		"dev@example.com valid-after=\"soon\" " + line:                                                            `"soon" is no time`,
		"dev@example.com perhaps " + line:                                                                         `unknown option "perhaps"`,
		"dev@example.com":                                                                                         "line 1",
		"dev@example.com ssh-ed25519 AAAA":                                                                        "line 1",
		"":                                                                                                        "no key",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----":                                            "private key",
	} {
		loaded, err := signature.LoadKeys(file(t, "allowed_signers", []byte(text), 0o644))
		if err == nil {
			var found []signature.Verified
			if found, err = loaded.Verify(envelope, payload, now); err == nil && !strings.Contains(found[0].Name, "dev@example.com") {
				t.Errorf("%q: signed by %q", text, found[0].Name)
			}
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	weak := sshPair(t, newRSA(t, 1024), "")
	public, err := os.ReadFile(pemPair(t).public)
	if err != nil {
		t.Fatal(err)
	}
	locked := sshPair(t, newEd25519(t), "open sesame")
	open := pemPair(t).private
	if err := os.Chmod(open, 0o640); err != nil {
		t.Fatal(err)
	}
	for want, path := range map[string]string{
		"1024 bits": weak.private, "protected by a passphrase": locked.private, "chmod 600": open,
		"it is a public key": file(t, "k", public, 0o600), "no private key": file(t, "k", []byte("hunter2"), 0o600),
		"expected Ed25519":  file(t, "k", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8(t, newECDSA(t))}), 0o600),
		"encrypted PKCS #8": file(t, "k", pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}), 0o600),
		"no PKCS #8":        file(t, "k", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("hunter2")}), 0o600),
		"no SSH private":    file(t, "k", pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: []byte("hunter2")}), 0o600),
	} {
		signer, err := signature.LoadSigner(path, "")
		if signer != nil || err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := signature.LoadSigner(locked.private, "wrong"); err == nil || strings.Contains(err.Error(), "wrong") {
		t.Errorf("a wrong passphrase: %v", err)
	}
	if _, err := signature.LoadKeys(weak.public); err == nil || !strings.Contains(err.Error(), "1024 bits") {
		t.Errorf("a weak public key: %v", err)
	}
	signer, err := signature.LoadSigner(pemPair(t).private, "")
	if err != nil || fmt.Sprintf("%v %+v %#v %s", signer, signer, signer, signer) != strings.TrimSpace(strings.Repeat(object.Redacted+" ", 4)) {
		t.Errorf("printed: %v, %v", signer, err)
	}
}

// TestOpenSSHAgrees has ssh-keygen verify what is signed here, and the other way round.
func TestOpenSSHAgrees(t *testing.T) {
	program, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("there is no ssh-keygen")
	}
	for name, key := range map[string]pair{"ed25519": sshPair(t, newEd25519(t), ""), "rsa": sshPair(t, newRSA(t, 2048), ""), "ecdsa": sshPair(t, newECDSA(t), "")} {
		public, err := os.ReadFile(key.public)
		if err != nil {
			t.Fatal(err)
		}
		allowed := file(t, "allowed_signers", []byte("dev@example.com namespaces=\"gantry-plan\" "+string(public)), 0o644)
		envelope := sign(t, "", key.private)
		sig, err := base64.StdEncoding.DecodeString(envelope.Signatures[0].Sig)
		if err != nil {
			t.Fatal(err)
		}
		encoded := dsse.PAE(payloadType, payload)
		armored := file(t, "sig", pem.EncodeToMemory(&pem.Block{Type: "SSH SIGNATURE", Bytes: sig}), 0o644)
		command := exec.CommandContext(t.Context(), program, "-Y", "verify", "-f", allowed, "-I", "dev@example.com", "-n", signature.Namespace, "-s", armored)
		command.Stdin = strings.NewReader(string(encoded))
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("%s: ssh-keygen: %v\n%s", name, err, out)
		}

		message := file(t, "message", encoded, 0o644)
		if out, err := exec.CommandContext(t.Context(), program, "-Y", "sign", "-f", key.private, "-n", signature.Namespace, message).CombinedOutput(); err != nil {
			t.Fatalf("%s: ssh-keygen: %v\n%s", name, err, out)
		}
		text, err := os.ReadFile(message + ".sig")
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(text)
		envelope.Signatures[0].Sig = base64.StdEncoding.EncodeToString(block.Bytes)
		if found, err := keys(t, allowed).Verify(envelope, payload, time.Now()); err != nil || found[0].Name != "dev@example.com" {
			t.Errorf("%s: signed by ssh-keygen: %+v, %v", name, found, err)
		}
	}
}
