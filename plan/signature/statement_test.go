package signature_test

import (
	"encoding/base64"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/plan/signature"
)

// A statement counts with a signature of a key that is trusted, of exactly it.
func TestStatement(t *testing.T) {
	ours, theirs := pemPair(t), pemPair(t)
	signer := func(p pair) *signature.Signer {
		t.Helper()
		made, err := signature.LoadSigner(p.private, "")
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	keys := func(p pair) *signature.Keys {
		t.Helper()
		text, err := os.ReadFile(p.public)
		if err != nil {
			t.Fatal(err)
		}
		read, err := signature.ParseKeys(text)
		if err != nil {
			t.Fatal(err)
		}
		return read
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	statement := []byte(`{"digest":"sha256:x"}`)
	envelope, err := signature.SignStatement(statement, []*signature.Signer{signer(ours), signer(theirs)})
	if err != nil {
		t.Fatal(err)
	}
	found, err := keys(ours).VerifyStatement(envelope, statement, now)
	if err != nil || len(found) != 1 || found[0].KeyID != keys(ours).IDs()[0] {
		t.Errorf("%+v, %v", found, err)
	}
	both := &signature.Keys{}
	both.Add(keys(ours))
	both.Add(keys(theirs))
	if found, err := both.VerifyStatement(envelope, statement, now); err != nil || len(found) != 2 || len(both.IDs()) != 2 {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := keys(pemPair(t)).VerifyStatement(envelope, statement, now); !errors.Is(err, signature.ErrUntrusted) {
		t.Errorf("a key that signed nothing: %v", err)
	}
	for name, c := range map[string]struct{ envelope, statement string }{
		"another statement":        {string(envelope), `{"digest":"sha256:y"}`},
		"the same with a space":    {string(envelope), string(statement) + " "},
		"another type":             {strings.Replace(string(envelope), signature.StatementType, "application/x", 1), string(statement)},
		"a payload that is put in": {strings.Replace(string(envelope), base64.StdEncoding.EncodeToString(statement), base64.StdEncoding.EncodeToString([]byte("{}")), 1), "{}"},
		"no envelope":              {"{", string(statement)},
		"an empty one":             {"{}", string(statement)},
	} {
		if _, err := both.VerifyStatement([]byte(c.envelope), []byte(c.statement), now); !errors.Is(err, signature.ErrWrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := signature.ParseKeys([]byte("hunter2")); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}
