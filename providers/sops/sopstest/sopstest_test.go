package sopstest_test

import (
	"strings"
	"testing"

	"github.com/gantrycd/gantry/providers/sops"
	"github.com/gantrycd/gantry/providers/sops/sopstest"
)

// TestEncrypt: what is encrypted here is decrypted as what the program sops encrypts, and
// refused where it was tampered with.
func TestEncrypt(t *testing.T) {
	object := map[string]any{"kind": "Secret", "replicas": 1, "stringData": map[string]any{"a": "correct-horse", "b": map[string]any{"c": "battery"}}}
	for name, key := range map[string]*sopstest.Key{"age": sopstest.Age(t), "pgp": sopstest.PGP(t)} {
		t.Run(name, func(t *testing.T) {
			text := key.Encrypt(t, object, "^stringData$")
			if strings.Contains(text, "correct-horse") || strings.Contains(text, "battery") {
				t.Fatalf("it is not encrypted:\n%s", text)
			}
			var ring sops.Keyring
			add := ring.AddAge
			if name == "pgp" {
				add = ring.AddPGP
			}
			if err := add(key.Private); err != nil {
				t.Fatal(err)
			}
			plain, secrets, encrypted, err := ring.Decrypt("a.json", []byte(text))
			if err != nil || !encrypted || !strings.Contains(string(plain), `"correct-horse"`) || len(secrets) != 2 {
				t.Errorf("%v %v %v\n%s", encrypted, secrets, err, plain)
			}
			moved := strings.Replace(text, `"a":`, `"z":`, 1)
			if _, _, _, err := ring.Decrypt("a.json", []byte(moved)); err == nil {
				t.Error("what was tampered with is decrypted")
			}
		})
	}
}
