package planfile_test

import (
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/signature"
)

// keyPair makes a key that signs, and what trusts it.
func keyPair(t testing.TB) (*signature.Signer, *signature.Keys) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := signature.ParseSigner(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), "")
	if err != nil {
		t.Fatal(err)
	}
	if der, err = x509.MarshalPKIXPublicKey(public); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.pub")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := signature.LoadKeys(path)
	if err != nil {
		t.Fatal(err)
	}
	return signer, keys
}

func writeWith(t testing.TB, p *plan.Plan, options planfile.WriteOptions) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := planfile.Write(&out, p, options); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// forge writes a plan file around an envelope, with a checksum that fits, as someone
// would who can write files and has no key.
func forge(t testing.TB, tool string, envelope *dsse.Envelope) []byte {
	t.Helper()
	text, err := json.Marshal(envelope)
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	compress := gzip.NewWriter(&body)
	if _, err := compress.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := compress.Close(); err != nil {
		t.Fatal(err)
	}
	head := fmt.Sprintf("gantry-plan %d\ntool %s\ncontent gzip\nlength %d\n", planfile.Version, tool, body.Len())
	sum := sha256.Sum256(append([]byte(head), body.Bytes()...))
	return append(fmt.Appendf(nil, "%ssha256 %s\n\n", head, hex.EncodeToString(sum[:])), body.Bytes()...)
}

func envelopeOf(t testing.TB, file []byte) *dsse.Envelope {
	t.Helper()
	var envelope dsse.Envelope
	if err := json.Unmarshal(expanded(t, file), &envelope); err != nil {
		t.Fatal(err)
	}
	return &envelope
}

// edited forges a file whose document was edited as JSON, with digests that fit.
func edited(t testing.TB, file []byte, edit func(document map[string]any)) []byte {
	t.Helper()
	envelope := envelopeOf(t, file)
	text, err := envelope.DecodeB64Payload()
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&document); err != nil {
		t.Fatal(err)
	}
	edit(document)
	body, err := json.Marshal(document["plan"])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	document["meta"].(map[string]any)["planDigest"] = "sha256:" + hex.EncodeToString(sum[:])
	if text, err = json.Marshal(document); err != nil {
		t.Fatal(err)
	}
	envelope.Payload = base64.StdEncoding.EncodeToString(text)
	tool, _ := document["plan"].(map[string]any)["toolVersion"].(string)
	return forge(t, tool, envelope)
}

// TestNothingOfAPlanFileCanBeChanged flips every byte of small plan files and cuts them
// everywhere: signed or not, encrypted or not. None is read.
func TestNothingOfAPlanFileCanBeChanged(t *testing.T) {
	id := identity(t)
	signer, trusted := keyPair(t)
	other, err := seal.ParseAddressee(id.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	flips, cuts := 0, 0
	for name, options := range map[string]planfile.WriteOptions{
		"plain":                {Recipient: id.Recipient()},
		"signed":               {Recipient: id.Recipient(), Signers: []*signature.Signer{signer}},
		"encrypted":            {Recipient: id.Recipient(), EncryptTo: []*seal.Addressee{other}},
		"signed and encrypted": {Recipient: id.Recipient(), EncryptTo: []*seal.Addressee{other}, Signers: []*signature.Signer{signer}},
	} {
		file := writeWith(t, example(t), options)
		reading := planfile.ReadOptions{Identity: id, Keys: []*seal.Key{id.Key()}}
		if options.Signers != nil {
			reading.Trusted = trusted
		}
		if _, err := planfile.Read(bytes.NewReader(file), reading); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i := range file {
			for _, mask := range []byte{1, 0x20, 0x80} {
				damaged := bytes.Clone(file)
				damaged[i] ^= mask
				flips++
				if found, err := planfile.Read(bytes.NewReader(damaged), reading); err == nil || found != nil {
					t.Fatalf("%s: byte %d of %d changed goes unseen", name, i, len(file))
				}
			}
			cuts++
			if found, err := planfile.Read(bytes.NewReader(file[:i]), reading); !errors.Is(err, planfile.ErrCutShort) || found != nil {
				t.Fatalf("%s: cut at byte %d of %d: %v", name, i, len(file), err)
			}
		}
	}
	t.Logf("%d changed bytes and %d truncations, all refused", flips, cuts)
}

// TestPartsOfPlanFilesCannotBeSwapped has someone who makes all checksums fit, and has
// no key: what they can do to a plan that is signed is nothing, and to one that is not,
// nothing that puts a secret where it does not belong.
func TestPartsOfPlanFilesCannotBeSwapped(t *testing.T) {
	id := identity(t)
	signer, trusted := keyPair(t)
	another, _ := keyPair(t)
	one, two := example(t), example(t)
	one.ID, two.ID = "one", "two"
	sign := planfile.WriteOptions{Recipient: id.Recipient(), Signers: []*signature.Signer{signer}}
	first, second := writeWith(t, one, sign), writeWith(t, two, sign)
	open := writeWith(t, one, planfile.WriteOptions{Recipient: id.Recipient()})
	openSecond := writeWith(t, two, planfile.WriteOptions{Recipient: id.Recipient()})

	swapped := func(change func(a, b *dsse.Envelope)) []byte {
		a, b := envelopeOf(t, first), envelopeOf(t, second)
		change(a, b)
		return forge(t, one.ToolVersion, a)
	}
	headerEnd := bytes.Index(first, []byte("\n\n")) + 2
	sealedOf := func(t testing.TB, file []byte) []any {
		var list []any
		edited(t, file, func(d map[string]any) { list = d["sealed"].([]any) })
		return list
	}
	demanded := planfile.ReadOptions{Identity: id, Trusted: trusted}
	lax := planfile.ReadOptions{Identity: id}
	cases := []struct {
		name string
		file []byte
		with planfile.ReadOptions
		is   error
	}{
		{"header of one, body of another", append(bytes.Clone(first[:headerEnd]), second[bytes.Index(second, []byte("\n\n"))+2:]...), demanded, nil},
		{"signature of another", swapped(func(a, b *dsse.Envelope) { a.Signatures = b.Signatures }), demanded, planfile.ErrSignature},
		{"payload of another", swapped(func(a, b *dsse.Envelope) { a.Payload = b.Payload }), demanded, planfile.ErrSignature},
		{"no signature", swapped(func(a, _ *dsse.Envelope) { a.Signatures = nil }), demanded, signature.ErrUnsigned},
		{"unsigned", open, demanded, signature.ErrUnsigned},
		{"signed by someone else", writeWith(t, one, planfile.WriteOptions{Recipient: id.Recipient(), Signers: []*signature.Signer{another}}), demanded, signature.ErrUntrusted},
		{"another type", swapped(func(a, _ *dsse.Envelope) { a.PayloadType = "application/json" }), demanded, planfile.ErrInvalid},
		{"an edited plan, signed before", edited(t, first, func(d map[string]any) { d["plan"].(map[string]any)["lineage"] = "another" }), demanded, signature.ErrWrong},
		{"a later expiry, signed before", edited(t, first, func(d map[string]any) { d["meta"].(map[string]any)["expiresAt"] = "2099-01-01T00:00:00Z" }), demanded, signature.ErrWrong},
		{"another id, signed before", edited(t, first, func(d map[string]any) { d["meta"].(map[string]any)["id"] = "again" }), demanded, signature.ErrWrong},
		{"sealed values of another plan", edited(t, open, func(d map[string]any) { d["sealed"] = sealedOf(t, openSecond) }), lax, seal.ErrMoved},
		{"the id of another plan", edited(t, open, func(d map[string]any) { d["meta"].(map[string]any)["id"] = "two" }), lax, seal.ErrMoved},
		{"two sealed values of one plan", edited(t, open, func(d map[string]any) {
			list := d["sealed"].([]any)
			a, b := list[0].(map[string]any), list[len(list)-1].(map[string]any)
			a["value"], b["value"] = b["value"], a["value"]
		}), lax, seal.ErrMoved},
		{"a sealed value out of order", edited(t, open, func(d map[string]any) {
			list := d["sealed"].([]any)
			list[0], list[1] = list[1], list[0]
		}), lax, planfile.ErrInvalid},
		{"no sealed values", edited(t, open, func(d map[string]any) { delete(d, "sealed") }), lax, planfile.ErrInvalid},
		{"one sealed value less", edited(t, open, func(d map[string]any) { d["sealed"] = d["sealed"].([]any)[1:] }), lax, planfile.ErrInvalid},
		{"one sealed value more", edited(t, open, func(d map[string]any) { d["sealed"] = append(d["sealed"].([]any), d["sealed"].([]any)[0]) }), lax, planfile.ErrInvalid},
		{"a body behind a sealed one", edited(t, open, func(d map[string]any) {
			change := d["plan"].(map[string]any)["applications"].([]any)[0].(map[string]any)["changes"].([]any)[0].(map[string]any)
			change["body"].(map[string]any)["data"] = map[string]any{"key": fingerprints.Of("another")}
		}), lax, seal.ErrMoved},
		{"a cluster behind credentials", edited(t, open, func(d map[string]any) {
			d["plan"].(map[string]any)["clusters"].([]any)[0].(map[string]any)["connection"].(map[string]any)["server"] = "https://evil.example.com"
		}), lax, seal.ErrMoved},
		{"the tool of another", bytes.Replace(open, []byte("tool 0.1.0"), []byte("tool 0.1.1"), 1), lax, planfile.ErrDamaged},
	}
	for _, test := range cases {
		found, err := planfile.Read(bytes.NewReader(test.file), test.with)
		if found != nil || err == nil || test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: %v, want %v", test.name, err, test.is)
		}
		if err != nil && strings.Contains(err.Error(), secretMark) {
			t.Errorf("%s: a secret is told: %v", test.name, err)
		}
	}
	t.Logf("%d swapped, edited or missing parts, all refused", len(cases))
}

func TestEncryptedPlansAreForTheirAddressees(t *testing.T) {
	id, other := identity(t), identity(t)
	to, err := seal.ParseAddressee(other.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	file := writeWith(t, example(t), planfile.WriteOptions{Recipient: id.Recipient(), EncryptTo: []*seal.Addressee{to}})
	for _, word := range []string{"application", "payload", "ConfigMap", "example.com"} {
		if bytes.Contains(file, []byte(word)) {
			t.Errorf("%q can be read in the file", word)
		}
	}
	for name, keys := range map[string][]*seal.Key{"no key": nil, "another key": {id.Key()}} {
		if _, err := planfile.Read(bytes.NewReader(file), planfile.ReadOptions{Keys: keys}); !errors.Is(err, planfile.ErrEncrypted) {
			t.Errorf("%s: %v, want ErrEncrypted", name, err)
		}
	}
	found, err := planfile.Read(bytes.NewReader(file), planfile.ReadOptions{Keys: []*seal.Key{other.Key()}, Identity: id})
	if err != nil || !found.Encrypted {
		t.Fatalf("%+v, %v", found, err)
	}
}
