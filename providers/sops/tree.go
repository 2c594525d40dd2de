package sops

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync"
)

// Tree is a tree whose encrypted files are read in the clear. It is safe for concurrent
// use. What was decrypted is remembered until the tree is dropped, and is never on disk.
type Tree struct {
	inner   fs.FS
	keyring func() (*Keyring, error)

	mu      sync.Mutex
	secrets []string
	opened  map[string][]byte
}

// Secrets returns the values that were decrypted so far, sorted.
func (t *Tree) Secrets() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := slices.Clone(t.secrets)
	slices.Sort(out)
	return slices.Compact(out)
}

// Unkept reports whether something was decrypted, so that what is made of the tree must not
// be kept.
func (t *Tree) Unkept() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.opened) > 0
}

// ReadFile implements fs.ReadFileFS.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	content, err := fs.ReadFile(t.inner, name)
	if err != nil || !Marked(content) {
		return content, err
	}
	t.mu.Lock()
	before, ok := t.opened[name]
	t.mu.Unlock()
	if ok {
		return bytes.Clone(before), nil
	}
	plain, err := t.decrypt(name, content)
	if err != nil {
		return nil, &fs.PathError{Op: "decrypt", Path: name, Err: err}
	}
	return plain, nil
}

func (t *Tree) decrypt(name string, content []byte) ([]byte, error) {
	_, _, encrypted, err := (&Keyring{}).Decrypt(name, content)
	if !encrypted {
		return content, err // no key is needed to tell
	}
	keyring, keyErr := t.keyring()
	if keyErr != nil {
		return nil, fmt.Errorf("it is encrypted with SOPS, and the keys cannot be read: %w", keyErr)
	}
	if !errors.Is(err, ErrNoKey) {
		return nil, err
	}
	plain, secrets, _, err := keyring.Decrypt(name, content)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.secrets = append(t.secrets, secrets...)
	if t.opened == nil {
		t.opened = map[string][]byte{}
	}
	t.opened[name] = plain
	return bytes.Clone(plain), nil
}

// Open implements fs.FS.
func (t *Tree) Open(name string) (fs.File, error) {
	file, err := t.inner.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil || info.IsDir() {
		return file, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	content, err := t.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &opened{info: sized{info, int64(len(content))}, Reader: bytes.NewReader(content)}, nil
}

// ReadDir implements fs.ReadDirFS.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(t.inner, name) }

// Stat implements fs.StatFS. The size is that of the file as it is in the source.
func (t *Tree) Stat(name string) (fs.FileInfo, error) { return fs.Stat(t.inner, name) }

// ContentID returns the identity of a file's content, where the tree knows it.
func (t *Tree) ContentID(name string) (string, error) {
	if known, ok := t.inner.(interface{ ContentID(string) (string, error) }); ok {
		return known.ContentID(name)
	}
	return "", nil
}

// opened is a file in the clear.
type opened struct {
	info fs.FileInfo
	io.Reader
}

func (o *opened) Stat() (fs.FileInfo, error) { return o.info, nil }
func (o *opened) Close() error               { return nil }

type sized struct {
	fs.FileInfo
	size int64
}

func (s sized) Size() int64 { return s.size }
