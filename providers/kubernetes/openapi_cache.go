package kubernetes

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// documentFile is where one OpenAPI document is kept on disk. It is a cache:
// what cannot be read or written is asked of the server again.
type documentFile struct {
	folder string // of this group and version of this server; empty keeps nothing
	name   string
}

// documentFile returns the file of a document by its hash. The server's address
// is part of its place, so that no server can put a document in another's.
func (c *cluster) documentFile(key, hash string) documentFile {
	if c.cacheDir == "" || hash == "" {
		return documentFile{}
	}
	return documentFile{
		folder: filepath.Join(c.cacheDir, digest(c.server), strings.ReplaceAll(key, "/", "_")),
		name:   digest(hash) + ".json",
	}
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:16])
}

func (f documentFile) read() ([]byte, bool) {
	if f.folder == "" {
		return nil, false
	}
	body, err := os.ReadFile(filepath.Join(f.folder, f.name))
	if err != nil || !json.Valid(body) {
		return nil, false
	}
	return body, true
}

// write keeps a document, in one step, and drops the ones it follows.
func (f documentFile) write(body []byte) {
	if f.folder == "" || os.MkdirAll(f.folder, 0o700) != nil {
		return
	}
	partial, err := os.CreateTemp(f.folder, "*.partial")
	if err != nil {
		return
	}
	_, err = partial.Write(body)
	if closeErr := partial.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(partial.Name(), filepath.Join(f.folder, f.name))
	}
	if err != nil {
		_ = os.Remove(partial.Name())
		return
	}
	earlier, _ := filepath.Glob(filepath.Join(f.folder, "*.json"))
	for _, path := range earlier {
		if filepath.Base(path) != f.name {
			_ = os.Remove(path)
		}
	}
}
