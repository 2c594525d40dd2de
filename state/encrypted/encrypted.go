// Package encrypted is a state.Store over another one in which all values are encrypted,
// but for those that must be read without a key: locks, so that anybody can tell who is at
// work.
//
// Names of keys are as they are, and with them the addresses of applications; so are the
// sizes of values, and of the installation its lineage. A value is tied to the key that it
// is under: in another's place it does not open. That an older value was put back under its
// own key is not noticed here: the serial of a record is held to the cluster's.
//
// What is to be encrypted and is not, is not read, and what is encrypted is read with its
// key alone: there is no way back to clear text but Rewrite. The package imports state and
// plan/seal; whoever opens a store wraps it in this one.
package encrypted

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/state"
)

var (
	// ErrClear means that a value is in clear, and that it is not to be.
	ErrClear = errors.New("the state is not encrypted")
	// ErrKey means that a value is encrypted with a key that is not here.
	ErrKey = errors.New("the state is encrypted with a key that is not here")
)

// Store is a state.Store of encrypted values. Its versions are those of the store below:
// the same value written twice has two.
type Store struct {
	below state.Store
	keys  Keys
}

// sealing is a Store that has keys: it is a state.Sealer, for what is kept elsewhere.
type sealing struct{ *Store }

// bulk is a Store over one that reads many keys in few requests.
type bulk struct {
	state.Store
	keys   Keys
	reader state.BulkReader
}

// New returns a store whose values are encrypted with keys in the one below. With the zero
// Keys it writes in clear, and says of what is encrypted that it is. It is a
// state.BulkReader where the one below is.
func New(below state.Store, keys Keys) state.Store {
	made := &Store{below: below, keys: keys}
	var out state.Store = made
	if !keys.IsZero() {
		out = sealing{made}
	}
	if reader, ok := below.(state.BulkReader); ok {
		return &bulk{out, keys, reader}
	}
	return out
}

// Seal implements state.Sealer.
func (s sealing) Seal(_ context.Context, key string, value []byte) ([]byte, error) {
	return s.keys.encrypt(key, value)
}

// Open implements state.Sealer.
func (s sealing) Open(_ context.Context, key string, value []byte) ([]byte, error) {
	return s.keys.decrypt(key, value)
}

// Unwrap returns the store that it is beside reading many keys.
func (b *bulk) Unwrap() state.Store { return b.Store }

// Unwrap returns the store below.
func (s *Store) Unwrap() state.Store { return s.below }

// Get implements state.Store.
func (s *Store) Get(ctx context.Context, key string) ([]byte, string, error) {
	value, version, err := s.below.Get(ctx, key)
	if err != nil {
		return nil, "", err
	}
	if value, err = s.keys.decrypt(key, value); err != nil {
		return nil, "", err
	}
	return value, version, nil
}

// GetAll implements state.BulkReader.
func (b *bulk) GetAll(ctx context.Context, prefix string) ([]state.Item, error) {
	items, err := b.reader.GetAll(ctx, prefix)
	if err != nil {
		return nil, err
	}
	for i := range items {
		value, err := b.keys.decrypt(items[i].Key, items[i].Value)
		var broken *state.BrokenError
		switch {
		case errors.As(err, &broken): // it costs its own key: as it is, it is nothing that can be read
		case err != nil:
			return nil, err
		default:
			items[i].Value = value
		}
	}
	return items, nil
}

// Put implements state.Store.
func (s *Store) Put(ctx context.Context, key string, value []byte, version string) (string, error) {
	value, err := s.keys.encrypt(key, value)
	if err != nil {
		return "", err
	}
	return s.below.Put(ctx, key, value, version)
}

// List implements state.Store.
func (s *Store) List(ctx context.Context, prefix string) ([]string, error) {
	return s.below.List(ctx, prefix)
}

// Delete implements state.Store.
func (s *Store) Delete(ctx context.Context, key, version string) error {
	return s.below.Delete(ctx, key, version)
}

// isClear reports whether the value of a key is never encrypted.
func isClear(key string) bool { return key == "locks" || strings.HasPrefix(key, "locks/") }

const magic = "gantry-encrypted "

// envelope is the first line of an encrypted value, behind magic.
type envelope struct {
	Version   int    `json:"version"`
	Algorithm string `json:"algorithm"`
	KeyID     string `json:"keyId"`
	// Lineage is of the installation, in its own value only: so that it can be told
	// without a key which state this is.
	Lineage string `json:"lineage,omitempty"`
}

const envelopeVersion = 1

func (k Keys) encrypt(key string, value []byte) ([]byte, error) {
	if k.IsZero() || isClear(key) {
		return value, nil
	}
	head := envelope{Version: envelopeVersion, Algorithm: algorithmAge, KeyID: k.ID()}
	if k.Key != nil {
		head.Algorithm = algorithmKey
	}
	if key == "installation" {
		var installation struct {
			Lineage string `json:"lineage"`
		}
		if json.Unmarshal(value, &installation) == nil {
			head.Lineage = installation.Lineage
		}
	}
	text, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("encrypting state: %w", err)
	}
	line := magic + string(text) + "\n"
	sealed, err := k.seal(place(key, line), value)
	if err != nil {
		return nil, fmt.Errorf("encrypting state: %w", err)
	}
	return append([]byte(line), sealed...), nil
}

// place ties a value to the key that it is under, and to what its first line says of it.
func place(key, line string) string { return "gantry state\x00" + key + "\x00" + line }

// isMark reports whether a value says that the state was moved elsewhere, which is to be
// read without a key.
func isMark(key string, value []byte) bool {
	if key != state.InstallationKey {
		return false
	}
	mark, err := state.ReadMark(value)
	return err == nil && mark != nil
}

func (k Keys) decrypt(key string, value []byte) ([]byte, error) {
	if isClear(key) {
		return value, nil
	}
	head, line, sealed, err := split(key, value)
	switch {
	case err != nil:
		return nil, err
	case head == nil && (k.IsZero() || isMark(key, value)):
		return value, nil
	case head == nil:
		return nil, fmt.Errorf("%w, although the configuration says that it is to be (key %s): run \"gantry state rotate --from-clear\", which encrypts all of it. If it was encrypted before, someone has replaced it", ErrClear, key)
	}
	out, err := k.open(head.Algorithm, head.KeyID, place(key, line), sealed)
	switch {
	case errors.Is(err, errNoKey):
		return nil, fmt.Errorf("%w: %s is encrypted with %s; %s", ErrKey, key, head.KeyID, k.names())
	case errors.Is(err, seal.ErrDamaged), errors.Is(err, seal.ErrMoved):
		return nil, &state.BrokenError{Key: key, Reason: "what is encrypted there is not what was written there: " + err.Error()}
	case err != nil:
		return nil, fmt.Errorf("decrypting state at key %s: %w", key, err)
	}
	return out, nil
}

// split reads the first line of a value; the envelope is nil of one in clear.
func split(key string, value []byte) (head *envelope, line string, sealed []byte, err error) {
	if !bytes.HasPrefix(value, []byte(magic)) {
		return nil, "", nil, nil
	}
	broken := func(why string) error { return &state.BrokenError{Key: key, Reason: "it is encrypted, and " + why} }
	end := bytes.IndexByte(value, '\n')
	if end < 0 {
		return nil, "", nil, broken("its first line has no end")
	}
	line = string(value[:end+1])
	head = &envelope{}
	decoder := json.NewDecoder(strings.NewReader(strings.TrimPrefix(line, magic)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(head); err != nil {
		return nil, "", nil, broken("its first line cannot be read")
	}
	if head.Version > envelopeVersion {
		return nil, "", nil, fmt.Errorf("%w: %s is encrypted in form %d, and this one reads %d; use the newer gantry", state.ErrNewer, key, head.Version, envelopeVersion)
	}
	if head.Version != envelopeVersion || head.Algorithm != algorithmKey && head.Algorithm != algorithmAge {
		return nil, "", nil, broken("its first line says nothing that is known")
	}
	return head, line, value[end+1:], nil
}
