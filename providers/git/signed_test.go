package git

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"golang.org/x/crypto/ssh"

	"github.com/gantrycd/gantry/plan/commitsig"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/sshsig"
)

// signer is someone who signs, and how their key is trusted.
type signer struct {
	sign  func(payload []byte) string // the signature with its armor
	trust source.Trust
}

func sshSigner(t testing.TB, before, after string) *signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key.PublicKey())))
	return &signer{
		sign:  func(payload []byte) string { return armored(t, key, commitsig.Namespace, payload) },
		trust: source.Trust{SSHKeys: []string{before + line + after}},
	}
}

func armored(t testing.TB, key ssh.Signer, namespace string, payload []byte) string {
	t.Helper()
	signature, err := sshsig.Sign(key, namespace, payload, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "SSH SIGNATURE", Bytes: signature}))
}

// pgpSigner makes a key, changes it as the key's owner would, and signs with it. The key is
// of the given time; what is signed is so an hour later, unless sign changes that.
func pgpSigner(t testing.TB, made time.Time, key func(*packet.Config), then func(*openpgp.Entity), sign func(*packet.Config)) *signer {
	t.Helper()
	config := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return made }}
	if key != nil {
		key(config)
	}
	entity, err := openpgp.NewEntity("Release", "", "release@example.com", config)
	if err != nil {
		t.Fatal(err)
	}
	at := &packet.Config{DefaultHash: crypto.SHA256, Time: func() time.Time { return made.Add(time.Hour) }}
	if sign != nil {
		sign(at)
	}
	out := &signer{sign: func(payload []byte) string {
		var text bytes.Buffer
		if err := openpgp.ArmoredDetachSign(&text, entity, bytes.NewReader(payload), at); err != nil {
			t.Fatal(err)
		}
		return text.String() + "\n"
	}}
	published := reread(t, entity)
	if then != nil {
		then(published)
	}
	out.trust = source.Trust{GPGKeys: []string{public(t, published)}}
	return out
}

// reread is a copy of a key with its private parts.
func reread(t testing.TB, entity *openpgp.Entity) *openpgp.Entity {
	t.Helper()
	var text bytes.Buffer
	if err := entity.SerializePrivate(&text, nil); err != nil {
		t.Fatal(err)
	}
	ring, err := openpgp.ReadKeyRing(&text)
	if err != nil {
		t.Fatal(err)
	}
	return ring[0]
}

func public(t testing.TB, entity *openpgp.Entity) string {
	t.Helper()
	var text bytes.Buffer
	w, err := armor.Encode(&text, openpgp.PublicKeyType, nil)
	if err == nil {
		err = entity.Serialize(w)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// signedCommit writes a commit with a signature, and makes a branch of it. The commit has
// the tree of HEAD.
func (u *upstreamRepository) signedCommit(t testing.TB, branch string, by *signer, parents ...string) string {
	t.Helper()
	raw := u.rawCommit(t, branch, parents...)
	if by != nil {
		raw = withSignature(raw, by.sign([]byte(raw)))
	}
	id := u.write(t, "commit", raw)
	u.git(t, "update-ref", "refs/heads/"+branch, id)
	return id
}

func (u *upstreamRepository) rawCommit(t testing.TB, message string, parents ...string) string {
	t.Helper()
	var raw strings.Builder
	fmt.Fprintf(&raw, "tree %s\n", u.git(t, "rev-parse", "HEAD^{tree}"))
	for _, parent := range parents {
		fmt.Fprintf(&raw, "parent %s\n", parent)
	}
	for _, who := range []string{"author", "committer"} {
		fmt.Fprintf(&raw, "%s Gantry <gantry@example.com> %d +0100\n", who, committed.Unix())
	}
	return raw.String() + "\n" + message + "\n"
}

// committed is when the commits of these tests were made.
var committed = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// withSignature puts a signature into a commit as git does.
func withSignature(raw, signature string) string {
	headers, message, _ := strings.Cut(raw, "\n\n")
	return headers + "\ngpgsig " + strings.ReplaceAll(strings.TrimRight(signature, "\n"), "\n", "\n ") + "\n\n" + message
}

func (u *upstreamRepository) write(t testing.TB, kind, raw string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", "--git-dir", u.path(), "hash-object", "-w", "--literally", "-t", kind, "--stdin")
	command.Stdin = strings.NewReader(raw)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("hash-object: %v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func (u *upstreamRepository) signedTag(t testing.TB, ref, name, object, kind string, by *signer) string {
	t.Helper()
	raw := fmt.Sprintf("object %s\ntype %s\ntag %s\ntagger Gantry <gantry@example.com> %d +0100\n\n%s\n", object, kind, name, committed.Unix(), name)
	if by != nil {
		raw += by.sign([]byte(raw))
	}
	id := u.write(t, "tag", raw)
	u.git(t, "update-ref", "refs/tags/"+ref, id)
	return id
}

// verify opens a revision and asks who signed it.
func (u *upstreamRepository) verify(t testing.TB, revision string, trust source.Trust, verified ...string) (source.Signature, error) {
	t.Helper()
	location := u.location
	location.Revision = revision
	snapshot, err := u.newSource(t).Open(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot.Signed.Verify(t.Context(), trust, verified)
}

// now is when signatures are judged.
var now = committed.Add(30 * 24 * time.Hour)

func signedRepository(t *testing.T) *upstreamRepository {
	t.Helper()
	u := newRepository(t)
	u.options.Now = func() time.Time { return now }
	u.commit(t, text("version", "one"), "one")
	return u
}

func TestSignatures(t *testing.T) {
	u := signedRepository(t)
	old := committed.Add(-48 * time.Hour)
	ed := sshSigner(t, "", " release@example.com")
	pgp := pgpSigner(t, old, nil, nil, nil)
	revoked := func(e *openpgp.Entity) {
		if err := e.RevokeKey(packet.KeyCompromised, "", &packet.Config{Time: func() time.Time { return committed }}); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		by      *signer
		trusted *signer // by, where it is nil
		err     error
		text    string
	}{
		"ssh":                     {by: ed},
		"ssh, as allowed signers": {by: sshSigner(t, `release@example.com namespaces="git,file" `, "")},
		"openpgp":                 {by: pgp},
		"openpgp, by a subkey":    {by: pgpSigner(t, old, nil, nil, nil).subkey(t, old)},
		"openpgp, RSA":            {by: pgpSigner(t, old, func(c *packet.Config) { c.Algorithm, c.RSABits = packet.PubKeyAlgoRSA, 2048 }, nil, nil)},
		"both kinds trusted":      {by: pgp, trusted: &signer{trust: source.Trust{SSHKeys: ed.trust.SSHKeys, GPGKeys: pgp.trust.GPGKeys}}},

		"unsigned":                             {trusted: ed, err: commitsig.ErrUnsigned, text: "is not signed"},
		"unknown ssh key":                      {by: sshSigner(t, "", ""), trusted: ed, err: commitsig.ErrUntrusted, text: "it is of the key SHA256:"},
		"unknown openpgp key":                  {by: pgpSigner(t, old, nil, nil, nil), trusted: pgp, err: commitsig.ErrUntrusted, text: "those that count are"},
		"an openpgp key, and ssh asked":        {by: pgp, trusted: ed, err: commitsig.ErrUntrusted},
		"of something else":                    {by: ed.over("another payload"), trusted: ed, err: commitsig.ErrWrong, text: "it does not match"},
		"openpgp of something else":            {by: pgp.over("another payload"), trusted: pgp, err: commitsig.ErrWrong},
		"ssh key that has ended":               {by: sshSigner(t, `r@example.com valid-before="20260302Z" `, ""), err: commitsig.ErrUntrusted, text: "was valid only before 2026-03-02"},
		"ssh key that was not yet":             {by: sshSigner(t, `r@example.com valid-after="20260315Z" `, ""), err: commitsig.ErrUntrusted, text: "is valid only after 2026-03-15"},
		"openpgp key that has expired":         {by: pgpSigner(t, old, func(c *packet.Config) { c.KeyLifetimeSecs = 7 * 24 * 3600 }, nil, nil), err: commitsig.ErrUntrusted, text: "key expired"},
		"openpgp key that is revoked":          {by: pgpSigner(t, old, nil, revoked, nil), err: commitsig.ErrUntrusted, text: "revoked"},
		"openpgp signature that expired":       {by: pgpSigner(t, old, nil, nil, func(c *packet.Config) { c.SigLifetimeSecs = 24 * 3600 }), err: commitsig.ErrUntrusted, text: "expired"},
		"openpgp signature older than the key": {by: crafted(t, old, func(sig *packet.Signature) { sig.CreationTime = old.Add(-time.Hour) }), err: commitsig.ErrUntrusted, text: "older than the key"},
		"openpgp signature over a weak digest": {by: weakly(t, pgp), err: commitsig.ErrUntrusted, text: "too weak"},
		"openpgp signature of text":            {by: crafted(t, old, func(sig *packet.Signature) { sig.SigType = packet.SigTypeText }), err: commitsig.ErrUntrusted, text: "another type"},
		"openpgp signature of the future": {by: pgpSigner(t, old, nil, nil, func(c *packet.Config) {
			c.Time = func() time.Time { return now.Add(time.Hour) }
		}), err: commitsig.ErrUntrusted},
		"a certificate":     {by: text509(), trusted: ed, err: commitsig.ErrUntrusted, text: "X.509"},
		"empty":             {by: &signer{sign: func([]byte) string { return " \n" }}, trusted: ed, err: commitsig.ErrUnsigned},
		"cut short":         {by: ed.changed(func(s string) string { return s[:len(s)/2] }), trusted: ed, err: commitsig.ErrUntrusted, text: "cannot be read"},
		"pgp cut short":     {by: pgp.changed(func(s string) string { return s[:len(s)/2] }), trusted: pgp, err: commitsig.ErrUntrusted, text: "cannot be read"},
		"twice":             {by: ed.changed(func(s string) string { return s + s }), trusted: ed, err: commitsig.ErrUntrusted, text: "cannot be read"},
		"pgp twice":         {by: pgp.changed(func(s string) string { return s + s }), trusted: pgp, err: commitsig.ErrUntrusted, text: "something else"},
		"something else":    {by: ed.changed(func(string) string { return "signed, honestly\n" }), trusted: ed, err: commitsig.ErrUntrusted, text: "no kind"},
		"a key as armor":    {by: &signer{sign: func([]byte) string { return pgp.trust.GPGKeys[0] }}, trusted: pgp, err: commitsig.ErrUntrusted},
		"other SSH purpose": {by: ed.purpose(t, "file"), err: commitsig.ErrWrong, text: `made for namespace "file"`},
	} {
		t.Run(name, func(t *testing.T) {
			trusted := test.by
			if test.trusted != nil {
				trusted = test.trusted
			}
			id := u.signedCommit(t, "b", test.by)
			got, err := u.verify(t, "b", trusted.trust)
			if !errors.Is(err, test.err) || err != nil && !strings.Contains(err.Error(), test.text) {
				t.Fatalf("got %v, want %v %q", err, test.err, test.text)
			}
			if err != nil && !strings.Contains(err.Error(), id) {
				t.Errorf("the error does not name the commit: %v", err)
			}
			if err == nil && (got.Key == "" || got.Of != "commit" || got.Strict) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// subkey is a signer by a subkey of the key.
func (s *signer) subkey(t testing.TB, made time.Time) *signer {
	t.Helper()
	config := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return made }}
	entity, err := openpgp.NewEntity("Release", "", "release@example.com", config)
	if err == nil {
		err = entity.AddSigningSubkey(config)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &signer{trust: source.Trust{GPGKeys: []string{public(t, entity)}}, sign: func(payload []byte) string {
		var text bytes.Buffer
		at := &packet.Config{Time: func() time.Time { return made.Add(time.Hour) }, SigningKeyId: entity.Subkeys[len(entity.Subkeys)-1].PublicKey.KeyId}
		if err := openpgp.ArmoredDetachSign(&text, entity, bytes.NewReader(payload), at); err != nil {
			t.Fatal(err)
		}
		return text.String() + "\n"
	}}
}

// crafted is a signer whose signatures no honest program makes.
func crafted(t testing.TB, made time.Time, change func(*packet.Signature)) *signer {
	t.Helper()
	config := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return made }}
	entity, err := openpgp.NewEntity("Release", "", "release@example.com", config)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{trust: source.Trust{GPGKeys: []string{public(t, entity)}}, sign: func(payload []byte) string {
		sig := &packet.Signature{
			Version: 4, SigType: packet.SigTypeBinary, PubKeyAlgo: entity.PrimaryKey.PubKeyAlgo, Hash: crypto.SHA256,
			CreationTime: made.Add(time.Hour), IssuerKeyId: &entity.PrimaryKey.KeyId,
		}
		change(sig)
		digest := sig.Hash.New()
		digest.Write(payload)
		var text bytes.Buffer
		w, err := armor.Encode(&text, openpgp.SignatureType, nil)
		if err == nil {
			err = sig.Sign(digest, entity.PrivateKey, nil)
		}
		if err == nil {
			err = sig.Serialize(w)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return text.String() + "\n"
	}}
}

// weakly is a signer whose signatures say that they are over a digest by SHA-1.
func weakly(t testing.TB, by *signer) *signer {
	return by.changed(func(signature string) string {
		block, err := armor.Decode(strings.NewReader(signature))
		if err != nil {
			t.Fatal(err)
		}
		packets, err := io.ReadAll(block.Body)
		if err != nil {
			t.Fatal(err)
		}
		const hash = 5 // behind the packet's header, the version, the type and the algorithm
		packets[hash] = 2
		var text bytes.Buffer
		w, err := armor.Encode(&text, openpgp.SignatureType, nil)
		if err == nil {
			_, err = w.Write(packets)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return text.String() + "\n"
	})
}

// over signs something else.
func (s *signer) over(payload string) *signer {
	return &signer{trust: s.trust, sign: func([]byte) string { return s.sign([]byte(payload)) }}
}

// changed changes the signature.
func (s *signer) changed(change func(string) string) *signer {
	return &signer{trust: s.trust, sign: func(payload []byte) string { return change(s.sign(payload)) }}
}

// purpose signs for another namespace, with a key of its own.
func (s *signer) purpose(t testing.TB, namespace string) *signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{
		trust: source.Trust{SSHKeys: []string{string(ssh.MarshalAuthorizedKey(key.PublicKey()))}},
		sign:  func(payload []byte) string { return armored(t, key, namespace, payload) },
	}
}

func text509() *signer {
	return &signer{sign: func([]byte) string {
		return "-----BEGIN SIGNED MESSAGE-----\nMIIEGgYJKoZIhvcNAQcCoIIECzCCBAcCAQExDTALBglghkgBZQMEAgEwCwYJ\n-----END SIGNED MESSAGE-----\n"
	}}
}

// What git and gpg sign themselves is right.
func TestSignedByGit(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("ssh-keygen, which git signs with, is not installed")
	}
	u := signedRepository(t)
	u.options.Now = time.Now
	key := filepath.Join(t.TempDir(), "key")
	if out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "release@example.com", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	line, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	trust := source.Trust{SSHKeys: []string{string(line)}}
	u.git(t, "-c", "gpg.format=ssh", "-c", "user.signingkey="+key, "commit", "-q", "-S", "--allow-empty", "-m", "signed")
	got, err := u.verify(t, "main", trust)
	if err != nil || got.Name != "release@example.com" || got.Of != "commit" {
		t.Errorf("%+v, %v", got, err)
	}
	u.git(t, "commit", "-q", "--allow-empty", "-m", "unsigned")
	u.git(t, "-c", "gpg.format=ssh", "-c", "user.signingkey="+key, "tag", "-s", "-m", "first", "v1.0.0")
	if got, err := u.verify(t, "v1.0.0", trust); err != nil || got.Of != "tag v1.0.0" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := u.verify(t, "main", trust); !errors.Is(err, commitsig.ErrUnsigned) {
		t.Errorf("got %v", err)
	}
}

// What can be read in two ways is not verified, whoever signed it.
func TestMalformedCommits(t *testing.T) {
	u := signedRepository(t)
	by := sshSigner(t, "", "")
	other := u.commit(t, text("version", "evil"), "other")
	evil := u.git(t, "rev-parse", other+"^{tree}")
	good := u.rawCommit(t, "message")
	for name, raw := range map[string]string{
		"two trees":        strings.Replace(good, "\nauthor", "\ntree "+evil+"\nauthor", 1),
		"tree behind":      strings.Replace(good, "\n\nmessage", "\ntree "+evil+"\n\nmessage", 1),
		"parent behind":    strings.Replace(good, "\n\nmessage", "\nparent "+other+"\n\nmessage", 1),
		"two committers":   strings.Replace(good, "\n\nmessage", "\ncommitter X <x@example.com> 1 +0000\n\nmessage", 1),
		"zero in a header": strings.Replace(good, "\n\nmessage", "\nencoding UTF\x00-8\n\nmessage", 1),
		"no committer":     good[:strings.Index(good, "committer")] + "\nmessage\n",
		"short tree":       strings.Replace(good, good[5:45], good[5:44], 1),
	} {
		t.Run(name, func(t *testing.T) {
			id := u.write(t, "commit", withSignature(raw, by.sign([]byte(raw))))
			location := u.location
			location.Revision = id
			snapshot, err := u.newSource(t).Open(t.Context(), location)
			if err != nil {
				return // it is not read at all
			}
			if got, err := snapshot.Signed.Verify(t.Context(), by.trust, nil); err == nil || !strings.Contains(err.Error(), "cannot be verified") {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	t.Run("two signatures", func(t *testing.T) {
		signature := by.sign([]byte(good))
		id := u.write(t, "commit", withSignature(withSignature(good, signature), signature))
		if _, err := u.verify(t, id, by.trust); err == nil || !strings.Contains(err.Error(), `"gpgsig" twice`) {
			t.Errorf("got %v", err)
		}
	})
}

func TestSignedTags(t *testing.T) {
	u := signedRepository(t)
	by, stranger := sshSigner(t, "", ""), sshSigner(t, "", "")
	bare := u.signedCommit(t, "bare", nil)
	vouched := u.signedCommit(t, "vouched", by, bare)
	u.signedTag(t, "v1.0.0", "v1.0.0", bare, "commit", by)
	u.signedTag(t, "v2.0.0", "v1.0.0", bare, "commit", by)
	u.signedTag(t, "unsigned", "unsigned", vouched, "commit", nil)
	u.signedTag(t, "strange", "strange", vouched, "commit", stranger)
	u.signedTag(t, "broken", "broken", vouched, "commit", by.over("something else"))
	u.signedTag(t, "nested", "nested", u.signedTag(t, "inner", "inner", bare, "commit", by), "tag", nil)
	u.git(t, "update-ref", "refs/tags/light", vouched)
	lonely := u.signedCommit(t, "lonely", nil, vouched)
	u.signedTag(t, "alias", "other-name", lonely, "commit", by)
	for _, test := range []struct {
		revision, of string
		err          error
	}{
		{"v1.0.0", "tag v1.0.0", nil},
		{bare, "tag inner", nil}, // as a lock file has it: by any tag
		{"bare", "", commitsig.ErrUnsigned},
		{"v2.0.0", "", commitsig.ErrUntrusted}, // signed as another
		{"unsigned", "commit", nil},
		{"strange", "commit", nil},
		{"broken", "", commitsig.ErrWrong},
		{"light", "commit", nil},
		{"nested", "tag inner", nil},
		{"lonely", "", commitsig.ErrUnsigned},
		{lonely, "", commitsig.ErrUnsigned},
		{"alias", "", commitsig.ErrUntrusted},
	} {
		got, err := u.verify(t, test.revision, by.trust)
		if !errors.Is(err, test.err) || got.Of != test.of {
			t.Errorf("%s: %+v, %v", test.revision, got, err)
		}
	}

	// What was opened stays what was verified, wherever names lead to by then.
	location := u.location
	location.Revision = "v1.0.0"
	s := u.newSource(t)
	snapshot, err := s.Open(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	u.git(t, "update-ref", "refs/tags/v1.0.0", lonely)
	if got, err := snapshot.Signed.Verify(t.Context(), by.trust, nil); err != nil || snapshot.Pin.Resolved != bare {
		t.Errorf("%+v, %v of %s", got, err, snapshot.Pin.Resolved)
	}
	if _, err := u.verify(t, "v1.0.0", by.trust); !errors.Is(err, commitsig.ErrUnsigned) {
		t.Errorf("after it moved: %v", err)
	}
}

func TestStrictHistory(t *testing.T) {
	u := signedRepository(t)
	by := sshSigner(t, "", "")
	first := u.signedCommit(t, "first", nil)
	base := u.signedCommit(t, "base", by, first)
	side := u.signedCommit(t, "side", nil, base)
	whole := u.signedCommit(t, "whole", by, base)
	u.signedCommit(t, "merged", by, whole, side)
	octopus := u.signedCommit(t, "octopus", by, whole, base)
	next := u.signedCommit(t, "next", by, octopus)
	u.signedTag(t, "v1.0.0", "v1.0.0", u.signedCommit(t, "release", nil, next), "commit", by)
	u.signedCommit(t, "orphan", by)
	for _, test := range []struct {
		name, revision string
		since          []string
		verified       []string
		unsigned       string // the commit that the error names; empty is none
	}{
		{"all of it", "whole", nil, nil, first},
		{"since the first", "whole", []string{first}, nil, ""},
		{"since the last that was verified", "next", nil, []string{whole}, ""},
		{"since itself", "next", nil, []string{next}, ""},
		{"back to an earlier one", "base", nil, []string{next}, ""},
		{"a merge of what is unsigned", "merged", []string{first}, nil, side},
		{"a merge of what is unsigned, after one that was verified", "merged", nil, []string{whole}, side},
		{"an unsigned commit that was verified by its tag", "v1.0.0", nil, []string{base}, ""},
		{"a branch without a common history", "orphan", nil, []string{next}, ""},
		{"since something that is not there", "whole", []string{strings.Repeat("1", 40)}, nil, first},
		{"since no commit", "whole", []string{"main"}, nil, first},
	} {
		t.Run(test.name, func(t *testing.T) {
			trust := by.trust
			trust.Strict, trust.Since = true, test.since
			got, err := u.verify(t, test.revision, trust, test.verified...)
			switch {
			case test.unsigned == "" && (err != nil || !got.Strict):
				t.Errorf("%+v, %v", got, err)
			case test.unsigned != "" && (!errors.Is(err, commitsig.ErrUnsigned) || !strings.Contains(err.Error(), "commit "+test.unsigned)):
				t.Errorf("got %v, want %s unsigned", err, test.unsigned)
			}
			trust.Strict = false
			if _, err := u.verify(t, test.revision, trust); err != nil {
				t.Errorf("the newest commit alone: %v", err)
			}
		})
	}
	trust := by.trust
	trust.Strict = true
	if _, err := u.verify(t, "side", trust, base); !errors.Is(err, commitsig.ErrUnsigned) {
		t.Errorf("a head that is unsigned: %v", err)
	}
}

// Keys that cannot be read verify nothing.
func TestKeysThatCannotBeRead(t *testing.T) {
	u := signedRepository(t)
	by := sshSigner(t, "", "")
	u.signedCommit(t, "b", by)
	weak := pgpSigner(t, committed, func(c *packet.Config) { c.Algorithm, c.RSABits = packet.PubKeyAlgoRSA, 1024 }, nil, nil)
	for _, trust := range []source.Trust{
		{SSHKeys: []string{"ssh-ed25519 AAAA"}},
		{SSHKeys: []string{`* namespaces="file" ` + by.trust.SSHKeys[0]}},
		{SSHKeys: []string{`* cert-authority ` + by.trust.SSHKeys[0]}},
		{SSHKeys: []string{"-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----"}},
		{GPGKeys: []string{"ABCDEF0123456789"}},
		{GPGKeys: []string{"-----BEGIN PGP PUBLIC KEY BLOCK-----\nabc"}},
		{SSHKeys: by.trust.SSHKeys, GPGKeys: weak.trust.GPGKeys},
	} {
		if got, err := u.verify(t, "b", trust); err == nil || !strings.Contains(err.Error(), "whose signatures count cannot be read") {
			t.Errorf("%+v: %+v, %v", trust, got, err)
		}
	}
}
