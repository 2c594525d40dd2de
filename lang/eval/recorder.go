package eval

import (
	"crypto/sha256"
	"io/fs"
	"maps"
	"sync"
)

// recorder is a module's directory that remembers what was read of it, for the
// configuration's digest.
type recorder struct {
	files fs.FS

	mu   sync.Mutex
	read map[string][sha256.Size]byte
}

func newRecorder(files fs.FS) *recorder {
	return &recorder{files: files, read: map[string][sha256.Size]byte{}}
}

// Open opens a file or directory.
func (r *recorder) Open(name string) (fs.File, error) { return r.files.Open(name) }

// Stat describes a file.
func (r *recorder) Stat(name string) (fs.FileInfo, error) { return fs.Stat(r.files, name) }

// ReadDir lists a directory.
func (r *recorder) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(r.files, name) }

// ReadFile reads a file.
func (r *recorder) ReadFile(name string) ([]byte, error) {
	content, err := fs.ReadFile(r.files, name)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read[name] = sha256.Sum256(content)
	return content, nil
}

// since forgets what was read after a point in time, which digests gave.
func (r *recorder) since(read map[string][sha256.Size]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read = maps.Clone(read)
}

// digests returns the hashes of all files that were read.
func (r *recorder) digests() map[string][sha256.Size]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.read)
}
