package ociregistry

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// cache keeps manifests and layers on disk by their digests, each in a file of its
// own. What it gives has the digest that was asked for, whatever happened to the
// files. With an empty path it keeps nothing. It is safe for concurrent use, also by
// several processes.
type cache struct{ path string }

// get returns what has a digest and at most limit bytes, or nil where the cache
// has none.
func (c cache) get(digest string, limit int64) []byte {
	if c.path == "" || !digestForm.MatchString(digest) {
		return nil
	}
	file, err := os.Open(c.file(digest))
	if err != nil {
		return nil
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil || int64(len(content)) > limit {
		return nil
	}
	if sum := sha256.Sum256(content); "sha256:"+hex.EncodeToString(sum[:]) != digest {
		return nil // damaged: it is fetched again, and replaced
	}
	return content
}

// put keeps content that has a digest.
func (c cache) put(digest string, content []byte) error {
	if c.path == "" || !digestForm.MatchString(digest) {
		return nil
	}
	path := c.file(digest)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("cache directory: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), "*.tmp") // readable by its owner only
	if err != nil {
		return fmt.Errorf("cache directory: %w", err)
	}
	_, err = file.Write(content)
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("cache directory: %w", errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}

func (c cache) file(digest string) string {
	return filepath.Join(c.path, "sha256", strings.TrimPrefix(digest, "sha256:"))
}
