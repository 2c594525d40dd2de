package encrypted_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/encrypted"
	"github.com/gantrycd/gantry/state/local"
	"github.com/gantrycd/gantry/state/memory"
	"github.com/gantrycd/gantry/state/storetest"
)

const canary = "correct-horse-battery-staple"

func secretKey(t *testing.T) *seal.SecretKey {
	t.Helper()
	text, err := seal.GenerateSecretKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := seal.ParseSecretKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// recipients makes keys of age, for as many people.
func recipients(t *testing.T, count int) (to []*seal.Addressee, keys []*seal.Key) {
	t.Helper()
	for range count {
		identity, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		one, err := seal.ParseAddressee(identity.Recipient().String())
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte(identity.String()+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := seal.LoadKeys(file, "")
		if err != nil {
			t.Fatal(err)
		}
		to, keys = append(to, one), append(keys, key...)
	}
	return to, keys
}

// both runs a test with a key and with recipients.
func both(t *testing.T, test func(*testing.T, encrypted.Keys)) {
	t.Helper()
	t.Run("key", func(t *testing.T) { test(t, encrypted.Keys{Key: secretKey(t)}) })
	t.Run("recipients", func(t *testing.T) {
		to, keys := recipients(t, 2)
		test(t, encrypted.Keys{Recipients: to, Identities: keys[1:]})
	})
}

func put(t *testing.T, store state.Store, key, value string) {
	t.Helper()
	_, version, err := store.Get(t.Context(), key)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		t.Fatal(err)
	}
	if _, err := store.Put(t.Context(), key, []byte(value), version); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, store state.Store, key string) string {
	t.Helper()
	value, _, err := store.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(value)
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) state.Store { return encrypted.New(memory.New(), encrypted.Keys{Key: secretKey(t)}) })
}

// TestNothingInClear: what is in values is in no file of a local store, locks apart, whose
// names and holders anybody can read; and so is the lineage of the installation.
func TestNothingInClear(t *testing.T) {
	both(t, func(t *testing.T, keys encrypted.Keys) {
		dir := t.TempDir()
		store := encrypted.New(local.New(dir), keys)
		records, err := state.Open(t.Context(), store)
		if err != nil {
			t.Fatal(err)
		}
		places := []string{"applications/web", "plans", "published", "revisions/web/1", "holds/web", "audit/1", "unfinished/1", "generators/x", "anything"}
		for _, key := range places {
			put(t, store, key, `{"password":"`+canary+`"}`)
		}
		put(t, store, "locks/run", "held by alice")
		var files, lineage, locks int
		err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			files++
			if bytes.Contains(text, []byte(canary)) || bytes.Contains(text, []byte("password")) {
				t.Errorf("%s: %s", path, text)
			}
			if bytes.Contains(text, []byte(records.Lineage())) {
				lineage++
			}
			if bytes.Contains(text, []byte("held by alice")) {
				locks++
			}
			return nil
		})
		if err != nil || files < len(places)+2 || lineage != 1 || locks != 1 {
			t.Errorf("%d files, %d with the lineage, %d locks, %v", files, lineage, locks, err)
		}
		for _, key := range places {
			if have := get(t, store, key); !strings.Contains(have, canary) {
				t.Errorf("%s: %q", key, have)
			}
		}
		if again, err := state.Open(t.Context(), store, state.Existing()); err != nil || again.Lineage() != records.Lineage() {
			t.Errorf("opened again: %v", err)
		}
	})
}

// TestDamageIsRefused: each bit that is another one, each end that is missing, and each
// value in another's place.
func TestDamageIsRefused(t *testing.T) {
	both(t, func(t *testing.T, keys encrypted.Keys) {
		below := memory.New()
		store := encrypted.New(below, keys)
		put(t, store, "applications/a", canary)
		put(t, store, "applications/b", "another")
		whole := get(t, below, "applications/a")
		refused := func(what, value string) {
			t.Helper()
			put(t, below, "applications/a", value)
			have, _, err := store.Get(t.Context(), "applications/a")
			if err == nil {
				t.Errorf("%s goes unseen: %q", what, have)
			} else if strings.Contains(err.Error(), canary) {
				t.Errorf("%s: the error shows the value: %v", what, err)
			}
		}
		for i := range len(whole) * 8 {
			damaged := []byte(whole)
			damaged[i/8] ^= 1 << (i % 8)
			refused("a flipped bit", string(damaged))
		}
		for n := range whole {
			refused("a cut", whole[:n])
		}
		refused("something behind the end", whole+"x")
		refused("the value of another key", get(t, below, "applications/b"))
		put(t, below, "applications/a", whole)
		if have := get(t, store, "applications/a"); have != canary {
			t.Errorf("as it was: %q", have)
		}
	})
}

func TestNoWayBackToClearText(t *testing.T) {
	both(t, func(t *testing.T, keys encrypted.Keys) {
		below := memory.New()
		put(t, below, "applications/a", "{}")
		store := encrypted.New(below, keys)
		if _, _, err := store.Get(t.Context(), "applications/a"); !errors.Is(err, encrypted.ErrClear) || !strings.Contains(err.Error(), "--from-clear") {
			t.Errorf("clear where it must not be: %v", err)
		}
		if _, err := encrypted.Rewrite(t.Context(), below, keys, keys, false); !errors.Is(err, encrypted.ErrClear) {
			t.Errorf("what is in clear is encrypted without being asked for: %v", err)
		}
		done, err := encrypted.Rewrite(t.Context(), below, keys, keys, true)
		if err != nil || done.Written != 1 || get(t, store, "applications/a") != "{}" {
			t.Errorf("%+v, %v", done, err)
		}
		if _, _, err := encrypted.New(below, encrypted.Keys{}).Get(t.Context(), "applications/a"); !errors.Is(err, encrypted.ErrKey) || !strings.Contains(err.Error(), keys.ID()) {
			t.Errorf("without a key: %v", err)
		}
		if _, err := state.Open(t.Context(), encrypted.New(below, encrypted.Keys{Key: secretKey(t)}), state.Existing()); err == nil {
			t.Error("opened with another key")
		}
	})
}

// TestSealsWhatIsKeptElsewhere: what cannot be written into the state is encrypted like it.
func TestSealsWhatIsKeptElsewhere(t *testing.T) {
	both(t, func(t *testing.T, keys encrypted.Keys) {
		records, err := state.Open(t.Context(), encrypted.New(local.New(t.TempDir()), keys))
		if err != nil {
			t.Fatal(err)
		}
		saved, err := records.ExportUnsaved(t.Context(), state.Unsaved{Run: canary})
		if err != nil || bytes.Contains(saved, []byte(canary)) {
			t.Fatalf("%s, %v", saved, err)
		}
		if found, err := records.ImportUnsaved(t.Context(), saved); err != nil || found.Run != canary {
			t.Errorf("%+v, %v", found, err)
		}
	})
}

func TestWrongKey(t *testing.T) {
	mine, other := secretKey(t), secretKey(t)
	below := memory.New()
	put(t, encrypted.New(below, encrypted.Keys{Key: mine}), "applications/a", canary)
	_, _, err := encrypted.New(below, encrypted.Keys{Key: other}).Get(t.Context(), "applications/a")
	if !errors.Is(err, encrypted.ErrKey) || !strings.Contains(err.Error(), mine.ID()) || !strings.Contains(err.Error(), other.ID()) {
		t.Errorf("another key: %v", err)
	}
	to, keys := recipients(t, 2)
	put(t, encrypted.New(below, encrypted.Keys{Recipients: to[:1]}), "applications/b", canary) // who writes need not read
	for name, wrong := range map[string]encrypted.Keys{"another identity": {Recipients: to[:1], Identities: keys[1:]}, "no identity": {Recipients: to[:1]}} {
		if _, _, err := encrypted.New(below, wrong).Get(t.Context(), "applications/b"); !errors.Is(err, encrypted.ErrKey) || !strings.Contains(err.Error(), "identity") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRotation: with the key of before as a previous one everything can be read, and what
// is rewritten needs it no more.
func TestRotation(t *testing.T) {
	before, now := secretKey(t), secretKey(t)
	to, identities := recipients(t, 1)
	below := memory.New()
	for _, key := range []string{"applications/a", "applications/b", "locks/c"} {
		put(t, encrypted.New(below, encrypted.Keys{Key: before}), key, canary+key)
	}
	for i, next := range []encrypted.Keys{
		{Key: now, Previous: []*seal.SecretKey{before}},
		{Recipients: to, Identities: identities, Previous: []*seal.SecretKey{now}},
	} {
		rotating := encrypted.New(below, next)
		if have := get(t, rotating, "applications/a"); have != canary+"applications/a" {
			t.Errorf("%d: read with the previous key: %q", i, have)
		}
		put(t, rotating, "applications/b", canary+"applications/b")
		done, err := encrypted.Rewrite(t.Context(), below, next, next, false)
		if err != nil || done.Written != 1 || done.As != 1 {
			t.Errorf("%d: %+v, %v", i, done, err)
		}
		next.Previous = nil
		for _, key := range []string{"applications/a", "applications/b", "locks/c"} {
			if have := get(t, encrypted.New(below, next), key); have != canary+key {
				t.Errorf("%d: %s is %q", i, key, have)
			}
		}
	}
	if done, err := encrypted.Rewrite(t.Context(), below, encrypted.Keys{Recipients: to, Identities: identities}, encrypted.Keys{}, true); err != nil || done.Written != 2 || get(t, below, "applications/a") != canary+"applications/a" {
		t.Errorf("to clear text, where that is asked for: %+v, %v", done, err)
	}
}

func TestNewerEnvelope(t *testing.T) {
	below := memory.New()
	put(t, below, "applications/a", `gantry-encrypted {"version":2,"algorithm":"aes-256-gcm","keyId":"x"}`+"\nabc")
	if _, _, err := encrypted.New(below, encrypted.Keys{Key: secretKey(t)}).Get(t.Context(), "applications/a"); !errors.Is(err, state.ErrNewer) {
		t.Errorf("%v, want that a newer gantry wrote it", err)
	}
}
