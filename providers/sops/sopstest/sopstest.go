// Package sopstest encrypts objects as the program sops does, for tests that need files of
// SOPS with values of their own. That its format is the program's is held by the tests of
// providers/sops, which read what the program wrote. Only tests import it.
package sopstest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	agearmor "filippo.io/age/armor"
	"github.com/ProtonMail/go-crypto/openpgp"
	pgparmor "github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Key is a key that was made for a test.
type Key struct {
	Private string // as sops takes it: an age identity, or an armored private key of PGP

	kind string // "age" or "pgp"
	wrap func(to io.Writer) (io.WriteCloser, error)
}

// Age makes a key of age.
func Age(t *testing.T) *Key {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	check(t, err)
	return &Key{Private: identity.String(), kind: "age", wrap: func(to io.Writer) (io.WriteCloser, error) {
		return within(agearmor.NewWriter(to), func(to io.Writer) (io.WriteCloser, error) { return age.Encrypt(to, identity.Recipient()) })
	}}
}

// PGP makes a key of PGP.
func PGP(t *testing.T) *Key {
	t.Helper()
	config := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Curve: packet.Curve25519}
	entity, err := openpgp.NewEntity("test", "", "test@example.com", config)
	check(t, err)
	var private bytes.Buffer
	armor, err := pgparmor.Encode(&private, openpgp.PrivateKeyType, nil)
	check(t, err)
	check(t, entity.SerializePrivate(armor, config))
	check(t, armor.Close())
	return &Key{Private: private.String(), kind: "pgp", wrap: func(to io.Writer) (io.WriteCloser, error) {
		armor, err := pgparmor.Encode(to, "PGP MESSAGE", nil)
		if err != nil {
			return nil, err
		}
		return within(armor, func(to io.Writer) (io.WriteCloser, error) {
			return openpgp.Encrypt(to, openpgp.EntityList{entity}, nil, nil, config)
		})
	}}
}

// Encrypt returns an object as a file of JSON, which is YAML, in which all strings at or
// below the members that a regular expression matches are encrypted.
func (k *Key) Encrypt(t *testing.T, object map[string]any, hides string) string {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	block, err := aes.NewCipher(key)
	check(t, err)
	// As sops does where the code is of what is encrypted alone.
	e := &encrypting{t: t, block: block, hides: regexp.MustCompile(hides), mac: sha512.New()}
	e.mac.Write([]byte("\x8a\x3f\xd2\xad\x54\xce\x66\x52\x7b\x10\x34\xf3\xd1\x47\xbe\x0b\x0b\x97\x5b\x3b\xf4\x4f\x72\xc6\xfd\xad\xec\x81\x76\xf2\x7d\x69"))
	out := e.value(object, nil, false).(map[string]any)

	var wrapped bytes.Buffer
	to, err := k.wrap(&wrapped)
	check(t, err)
	_, err = to.Write(key)
	check(t, err)
	check(t, to.Close())
	const at = "2026-11-23T16:10:55Z"
	out["sops"] = map[string]any{
		k.kind:               []any{map[string]any{"enc": wrapped.String(), "recipient": "test", "fp": "test"}},
		"lastmodified":       at,
		"mac":                e.seal(fmt.Sprintf("%X", e.mac.Sum(nil)), at),
		"mac_only_encrypted": true,
		"encrypted_regex":    hides,
		"version":            "3.13.3",
	}
	text, err := json.MarshalIndent(out, "", "  ")
	check(t, err)
	return string(text) + "\n"
}

type encrypting struct {
	t     *testing.T
	block cipher.Block
	hides *regexp.Regexp
	mac   hash.Hash
}

// value encrypts what is to be encrypted of a value, in the order in which it is written.
func (e *encrypting) value(v any, path []string, hidden bool) any {
	e.t.Helper()
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out[name] = e.value(v[name], append(slices.Clone(path), name), hidden || e.hides.MatchString(name))
		}
		return out
	case string:
		if !hidden {
			return v
		}
		e.mac.Write([]byte(v))
		return e.seal(v, strings.Join(path, ":")+":")
	}
	if hidden {
		e.t.Fatalf("%s: only strings are encrypted, and this is a %T", strings.Join(path, "."), v)
	}
	return v
}

func (e *encrypting) seal(text, additional string) string {
	e.t.Helper()
	nonce := make([]byte, 32)
	rand.Read(nonce)
	aead, err := cipher.NewGCMWithNonceSize(e.block, len(nonce))
	check(e.t, err)
	sealed := aead.Seal(nil, nonce, []byte(text), []byte(additional))
	encoded := base64.StdEncoding.EncodeToString
	cut := len(sealed) - aead.Overhead()
	return fmt.Sprintf("ENC[AES256_GCM,data:%s,iv:%s,tag:%s,type:str]", encoded(sealed[:cut]), encoded(nonce), encoded(sealed[cut:]))
}

// nested closes both of two writers of which one writes into the other.
type nested struct {
	io.WriteCloser
	outer io.Closer
}

func within(outer io.WriteCloser, inner func(io.Writer) (io.WriteCloser, error)) (io.WriteCloser, error) {
	in, err := inner(outer)
	if err != nil {
		return nil, err
	}
	return nested{in, outer}, nil
}

func (n nested) Close() error {
	if err := n.WriteCloser.Close(); err != nil {
		return err
	}
	return n.outer.Close()
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
