package seal_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/seal"
)

func secretKey(t *testing.T) (*seal.SecretKey, object.Sensitive) {
	t.Helper()
	text, err := seal.GenerateSecretKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := seal.ParseSecretKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key, text
}

func TestSecretKey(t *testing.T) {
	key, text := secretKey(t)
	again, err := seal.ParseSecretKey(text + "\n")
	if err != nil || again.ID() != key.ID() {
		t.Fatalf("read again: %v", err)
	}
	other, _ := secretKey(t)
	if other.ID() == key.ID() {
		t.Error("two keys have one id")
	}
	value := []byte("correct-horse")
	sealed, err := key.Seal("here", value)
	if err != nil || bytes.Contains(sealed, value) {
		t.Fatalf("%q, %v", sealed, err)
	}
	if twice, err := key.Seal("here", value); err != nil || bytes.Equal(twice, sealed) || bytes.Equal(twice[:32], sealed[:32]) {
		t.Errorf("the same bytes twice, or %v", err)
	}
	if opened, err := again.Open("here", sealed); err != nil || !bytes.Equal(opened, value) {
		t.Errorf("%q, %v", opened, err)
	}
	for i := range len(sealed) * 8 {
		damaged := bytes.Clone(sealed)
		damaged[i/8] ^= 1 << (i % 8)
		if _, err := key.Open("here", damaged); !errors.Is(err, seal.ErrDamaged) {
			t.Fatalf("bit %d: %v", i, err)
		}
	}
	for n := range sealed {
		if _, err := key.Open("here", sealed[:n]); !errors.Is(err, seal.ErrDamaged) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	if _, err := key.Open("there", sealed); !errors.Is(err, seal.ErrDamaged) {
		t.Errorf("in another place: %v", err)
	}
	if _, err := other.Open("here", sealed); !errors.Is(err, seal.ErrDamaged) {
		t.Errorf("with another key: %v", err)
	}
	if shown := fmt.Sprintf("%v %+v %#v %s", key, key, key, key); strings.Contains(shown, "[") || !strings.Contains(shown, object.Redacted) {
		t.Errorf("printed: %s", shown)
	}
}

func TestSecretKeysThatAreNone(t *testing.T) {
	for _, text := range []object.Sensitive{"", "hunter2", "aHVudGVyMg==", object.Sensitive(strings.Repeat("aHVudGVyMg", 20))} {
		if _, err := seal.ParseSecretKey(text); err == nil || !strings.Contains(err.Error(), "32 random bytes") || strings.Contains(err.Error(), "unter") {
			t.Errorf("%v", err)
		}
	}
}
