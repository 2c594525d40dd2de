package state

import (
	"context"
	"errors"
)

// Store is a small key-value store with compare-and-swap. Keys are
// slash-separated, of letters, digits, '-', '_', '.' and '%'; CheckKey says which,
// and everything else is refused with ErrBadKey. A key may also be the prefix of
// others. Values are bytes, and the caller's own before and after a call. A
// version stands for a value: writing another value changes it, writing the same
// again may not.
//
// A Store is safe for concurrent use by goroutines and by processes. A write that
// returned nil survives the machine losing power, where the backend can promise
// that; a write that failed left the old value whole. Errors other than the
// ones named below may leave open whether a write took place.
type Store interface {
	// Get returns a value and its version. ErrNotFound where there is none.
	Get(ctx context.Context, key string) (value []byte, version string, err error)
	// Put writes a value if the key is still at version ("" means: does not exist)
	// and returns the new version. ErrConflict where it is not.
	Put(ctx context.Context, key string, value []byte, version string) (newVersion string, err error)
	// List returns the keys below a prefix, sorted: those that begin with the
	// prefix and a slash, or all keys where the prefix is empty.
	List(ctx context.Context, prefix string) ([]string, error)
	// Delete removes a key if it is still at version. ErrConflict where it is not,
	// ErrNotFound where there is none.
	Delete(ctx context.Context, key, version string) error
}

// BulkReader is what a Store may add that reads many keys in few requests.
type BulkReader interface {
	// GetAll returns the keys below a prefix, as List has them, with their values and
	// versions. A key that is deleted meanwhile may be missing; each value is one that its
	// key had at some time during the call.
	GetAll(ctx context.Context, prefix string) ([]Item, error)
}

// Item is a key with its value and version.
type Item struct {
	Key     string
	Value   []byte
	Version string
}

var (
	// ErrNotFound means that there is no such key.
	ErrNotFound = errors.New("not found in state")
	// ErrConflict means that someone else wrote the key in between.
	ErrConflict = errors.New("state was changed by someone else")
	// ErrUnknown means that nobody knows whether a write took place, since the answer to
	// it was lost: read the key to find out. The write may still take place for a while.
	ErrUnknown = errors.New("it is not known whether the state was written")
	// ErrLocked means that another process holds the application or the store.
	ErrLocked = errors.New("locked")
)
