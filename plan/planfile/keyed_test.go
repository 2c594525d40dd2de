package planfile_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/plan/seal"
)

func TestEncryptedWithAKey(t *testing.T) {
	var keys []*seal.SecretKey
	for range 2 {
		text, err := seal.GenerateSecretKey()
		if err != nil {
			t.Fatal(err)
		}
		key, err := seal.ParseSecretKey(text)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	const canary = "correct-horse-battery-staple"
	p := &plan.Plan{ToolVersion: "1.2.3", Lineage: canary, InputDigest: "sha256:0", Clusters: []plan.Cluster{}, Applications: []plan.Application{}, Steps: []plan.Step{}}
	var file bytes.Buffer
	if err := planfile.Write(&file, p, planfile.WriteOptions{Key: keys[0]}); err != nil {
		t.Fatal(err)
	}
	found, err := planfile.Read(bytes.NewReader(file.Bytes()), planfile.ReadOptions{SecretKeys: []*seal.SecretKey{keys[1], keys[0]}})
	if err != nil || !found.Encrypted || found.Plan.Lineage != canary {
		t.Fatalf("%+v, %v", found, err)
	}
	for name, with := range map[string][]*seal.SecretKey{"no key": nil, "another key": keys[1:]} {
		if _, err := planfile.Read(bytes.NewReader(file.Bytes()), planfile.ReadOptions{SecretKeys: with}); !errors.Is(err, planfile.ErrEncrypted) || !strings.Contains(err.Error(), keys[0].ID()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range file.Bytes() {
		damaged := bytes.Clone(file.Bytes())
		damaged[i] ^= 1
		if _, err := planfile.Read(bytes.NewReader(damaged), planfile.ReadOptions{SecretKeys: keys}); err == nil {
			t.Fatalf("a flipped bit in byte %d goes unseen", i)
		}
	}
}
