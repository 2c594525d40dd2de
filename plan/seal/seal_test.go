package seal_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/plan/seal"
)

func identity(t *testing.T) *seal.Identity {
	t.Helper()
	id, err := seal.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestSealedValuesOpenAgain(t *testing.T) {
	id := identity(t)
	rapid.Check(t, func(t *rapid.T) {
		place := rapid.String().Draw(t, "place")
		value := rapid.SliceOf(rapid.Byte()).Draw(t, "value")
		sealed, err := seal.Seal(id.Recipient(), place, value)
		if err != nil {
			t.Fatal(err)
		}
		got, err := id.Open(place, sealed)
		if err != nil || !bytes.Equal(got, value) {
			t.Fatalf("Open = %q, %v, want %q", got, err, value)
		}
		other := rapid.String().Filter(func(s string) bool { return s != place }).Draw(t, "other place")
		if _, err := id.Open(other, sealed); !errors.Is(err, seal.ErrMoved) {
			t.Fatalf("Open elsewhere: %v, want ErrMoved", err)
		}
	})
}

func TestSealedValuesHideAndDiffer(t *testing.T) {
	id := identity(t)
	secret := []byte("correct horse battery staple")
	first, err := seal.Seal(id.Recipient(), "place", secret)
	if err != nil {
		t.Fatal(err)
	}
	second, err := seal.Seal(id.Recipient(), "place", secret)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(first, []byte("horse")) {
		t.Error("the value is in what was sealed")
	}
	if bytes.Equal(first, second) {
		t.Error("one value sealed twice gives the same bytes")
	}
}

func TestAnotherIdentityOpensNothing(t *testing.T) {
	sealed, err := seal.Seal(identity(t).Recipient(), "place", []byte("value"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := identity(t).Open("place", sealed); !errors.Is(err, seal.ErrWrongIdentity) {
		t.Errorf("Open: %v, want ErrWrongIdentity", err)
	}
}

func TestDamageIsSeen(t *testing.T) {
	id := identity(t)
	sealed, err := seal.Seal(id.Recipient(), "place", []byte("value"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := id.Open("place", nil); !errors.Is(err, seal.ErrDamaged) {
		t.Errorf("Open of nothing: %v, want ErrDamaged", err)
	}
	for i := range sealed {
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 1
		if _, err := id.Open("place", damaged); err == nil {
			t.Errorf("a flipped bit in byte %d goes unseen", i)
		}
		if _, err := id.Open("place", sealed[:i]); err == nil {
			t.Errorf("cut at byte %d goes unseen", i)
		}
	}
}

func TestIdentitiesPrintNothing(t *testing.T) {
	id := identity(t)
	key := id.SecretKey().Reveal()
	fingerprinter := fingerprinter(t, 7)
	for _, text := range []string{
		fmt.Sprint(id), fmt.Sprintf("%v %+v %#v %s", id, id, id, id), fmt.Sprint(id.SecretKey()),
		fmt.Sprintf("%v %+v %#v", fingerprinter, fingerprinter, fingerprinter),
	} {
		if strings.Contains(text, key) || strings.Contains(text, "7, 7") || strings.Contains(text, "0x7") {
			t.Errorf("printed: %s", text)
		}
	}
	if _, err := seal.ParseIdentity(id.SecretKey() + "x"); err == nil || strings.Contains(err.Error(), key[15:30]) {
		t.Errorf("ParseIdentity: %v", err)
	}
}

func TestKeysParseWhatTheyPrint(t *testing.T) {
	id := identity(t)
	recipient, err := seal.ParseRecipient(id.Recipient().String())
	if err != nil || recipient.String() != id.Recipient().String() {
		t.Errorf("ParseRecipient = %v, %v", recipient, err)
	}
	if _, err := seal.ParseRecipient("age1nonsense"); err == nil || !strings.Contains(err.Error(), "age1nonsense") {
		t.Errorf("ParseRecipient of nonsense: %v", err)
	}
	again, err := seal.ParseIdentity(id.SecretKey())
	if err != nil || again.SecretKey() != id.SecretKey() {
		t.Errorf("ParseIdentity: %v", err)
	}
}

func TestIdentityFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".gantry", "identity.txt")
	if _, err := seal.Load(path); !errors.Is(err, seal.ErrNoIdentity) {
		t.Fatalf("Load of nothing: %v, want ErrNoIdentity", err)
	}
	var group sync.WaitGroup
	ids := make([]*seal.Identity, 8)
	created := make([]bool, len(ids))
	for i := range ids {
		group.Go(func() {
			var err error
			if ids[i], created[i], err = seal.LoadOrCreate(path); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
	winners := 0
	for i, id := range ids {
		if id.SecretKey() != ids[0].SecretKey() {
			t.Errorf("%d has another identity", i)
		}
		if created[i] {
			winners++
		}
	}
	if winners != 1 {
		t.Errorf("%d created the file", winners)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestBadIdentityFiles(t *testing.T) {
	key := identity(t).SecretKey().Reveal()
	for name, test := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"empty":      {"", 0o600, "no secret key"},
		"two":        {key + "\n" + key + "\n", 0o600, "more than one"},
		"nonsense":   {"hunter2\n", 0o600, "expected a secret key"},
		"group read": {key, 0o640, "chmod 600"},
	} {
		path := filepath.Join(t.TempDir(), "identity.txt")
		if err := os.WriteFile(path, []byte(test.text), test.mode); err != nil {
			t.Fatal(err)
		}
		_, _, err := seal.LoadOrCreate(path)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func fingerprinter(t *testing.T, key byte) seal.Fingerprinter {
	t.Helper()
	f, err := seal.NewFingerprinter(bytes.Repeat([]byte{key}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFingerprints(t *testing.T) {
	one, other := fingerprinter(t, 1), fingerprinter(t, 2)
	if got, again := one.Of("value"), fingerprinter(t, 1).Of("value"); got != again {
		t.Errorf("%s and %s of one value", got, again)
	}
	if one.Of("value") == one.Of("valuf") || one.Of("") == one.Of("\x00") {
		t.Error("two values have one fingerprint")
	}
	if one.Of("value") == other.Of("value") {
		t.Error("two keys give one fingerprint")
	}
	if got := one.Of("value"); !seal.IsFingerprint(got) {
		t.Errorf("%s is no fingerprint", got)
	}
	for _, text := range []string{"", "‹›", "value", "‹9f3c21ab›", "‹9F3c21ab04d1e877›", "‹zf3c21ab04d1e877›", "‹9f3c21ab04d1e877"} {
		if seal.IsFingerprint(text) {
			t.Errorf("%q is taken for a fingerprint", text)
		}
	}
	if one.Digest([]byte("ab"), []byte("c")) == one.Digest([]byte("a"), []byte("bc")) {
		t.Error("a digest does not tell its parts apart")
	}
	if _, err := seal.NewFingerprinter([]byte("short")); err == nil {
		t.Error("a short key is taken")
	}
}
