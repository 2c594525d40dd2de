package evidence_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/plan/signature"
	"github.com/gantrycd/gantry/state"
)

// signed has the protected branch ask for the signature of a planner that has the key.
func signed(s *story) {
	s.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		s.Fatal(err)
	}
	key, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		s.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		s.Fatal(err)
	}
	signer, err := signature.ParseSigner(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), "")
	if err != nil {
		s.Fatal(err)
	}
	s.signers = []*signature.Signer{signer}
	rules := strings.Replace(fmt.Sprintf(settings, 2), "branches = [\"main\"]", fmt.Sprintf("branches = [\"main\"]\n signers = [%q]", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: key})), 1)
	one := s.open(map[string]string{"main.gantry.hcl": rules})
	s.mustRecord(one)
	s.approve(one, "alice", "bob")
	s.merge(one, "squash")
	s.expect(map[string]string{})
	s.now = s.now.Add(time.Minute)
}

// stored changes what the state has of a pull request, as who can write it does; nil removes it.
func stored(s *story, key string, change func(record map[string]any)) {
	s.Helper()
	text, version, err := s.bench.Records.Store().Get(s.Context(), key)
	if err != nil {
		s.Fatal(err)
	}
	if change == nil {
		if err := s.bench.Records.Store().Delete(s.Context(), key, version); err != nil {
			s.Fatal(err)
		}
		return
	}
	var record map[string]any
	if err := json.Unmarshal(text, &record); err != nil {
		s.Fatal(err)
	}
	change(record)
	if text, err = json.Marshal(record); err != nil {
		s.Fatal(err)
	}
	if _, err := s.bench.Records.Store().Put(s.Context(), key, text, version); err != nil {
		s.Fatal(err)
	}
}

// TestWhoWritesTheStateChangesNoSignedRecord: where the protection names signers, somebody who
// can write the state brings no approval of one digest to another of the same head, neither by
// what a record says of the time before, nor by taking away the record that was there.
func TestWhoWritesTheStateChangesNoSignedRecord(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, after func(s *story, key string) // the head is recorded with another digest
		same          bool                       // it is recorded with the same digest
		again         bool                       // and approved again
		want          string
	}{
		"nobody writes":                            {want: "not approved"},
		"nobody writes, and it is the same":        {same: true, want: "applied"},
		"nobody writes, and it is approved again":  {again: true, want: "applied"},
		"since when it is planned is taken out":    {after: withoutSince, want: "not signed"},
		"since when it is planned is made earlier": {after: func(s *story, key string) { since(s, key, s.now.Add(-time.Hour)) }, want: "not signed"},
		"the older record is taken away":           {before: func(s *story, key string) { stored(s, key, nil) }, want: "not approved"},
		"the older record is changed to the newer": {before: func(s *story, key string) { withoutSince(s, key) }, want: "not approved"},
		"the older record loses its signature": {before: func(s *story, key string) {
			stored(s, key, func(record map[string]any) { delete(record, "signed") })
		}, want: "not approved"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := tell(t)
			signed(s)
			one := s.open(map[string]string{"README.md": "hello"}, file("web", application("web", "2")))
			s.mustRecord(one)
			key := (&state.Recorded{Pull: one}).Key()
			s.now = s.now.Add(time.Second)
			s.approve(one, "alice", "bob")
			s.now = s.now.Add(time.Minute)
			if c.before != nil {
				c.before(s, key)
			}
			if c.same {
				s.mustRecord(one)
			} else {
				somethingElse(s, one)
			}
			if c.after != nil {
				c.after(s, key)
			}
			if c.again {
				s.now = s.now.Add(time.Minute)
				s.approve(one, "alice", "bob")
			}
			s.merge(one, "squash")
			s.expect(map[string]string{"web": c.want})
		})
	}
}

func withoutSince(s *story, key string) { since(s, key, time.Time{}) }

// since sets since when the applications of a record are planned, or takes that out.
func since(s *story, key string, at time.Time) {
	stored(s, key, func(record map[string]any) {
		for _, one := range record["applications"].([]any) {
			app := one.(map[string]any)
			if delete(app, "since"); !at.IsZero() {
				app["since"] = at.UTC().Truncate(time.Millisecond)
			}
		}
	})
}
