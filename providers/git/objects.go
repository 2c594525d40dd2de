package git

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/gantrycd/gantry/providers/tree"
)

// errDamaged says that objects are missing or are not what their ids say.
var errDamaged = errors.New("the copy in the cache is damaged; it is made anew the next time")

// objectCache is how many bytes of objects are kept unpacked per repository.
const objectCache = 64 << 20

// objects reads the object database of a repository. It is safe for concurrent
// use, which go-git's storage is not.
type objects struct {
	path   string
	limits Limits
	// damaged is called when an object is missing or wrong, and returns the
	// error to give for it.
	damaged func(detail string) error

	mu      sync.Mutex
	storage *filesystem.Storage
}

// openObjects opens the object database in a git directory.
func openObjects(path string, limits Limits) (*objects, error) {
	o := &objects{path: path, limits: limits, storage: newStorage(path, limits.FileBytes)}
	// Reading a first object reads all indexes, so that broken ones show here.
	err := o.storage.HasEncodedObject(plumbing.ZeroHash)
	if err != nil && !errors.Is(err, plumbing.ErrObjectNotFound) {
		return nil, errors.Join(err, o.close())
	}
	return o, nil
}

// newStorage opens an object database; objects larger than large are not read
// before their content is asked for.
func newStorage(path string, large int64) *filesystem.Storage {
	return filesystem.NewStorageWithOptions(
		osfs.New(path, osfs.WithBoundOS()), cache.NewObjectLRU(objectCache),
		filesystem.Options{KeepDescriptors: true, LargeObjectThreshold: large},
	)
}

func (o *objects) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.storage.Close()
}

// reload makes objects known that were added.
func (o *objects) reload() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.storage.Reindex()
}

// has reports whether an object is there.
func (o *objects) has(hash plumbing.Hash) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.storage.HasEncodedObject(hash) == nil
}

// size returns an object's size.
func (o *objects) size(hash plumbing.Hash) (int64, error) {
	o.mu.Lock()
	size, err := retry(o, func() (int64, error) { return o.storage.EncodedObjectSize(hash) })
	o.mu.Unlock()
	if err != nil {
		return 0, o.failed(hash, err)
	}
	return size, nil
}

// read returns an object's type and content, which are what its id says.
func (o *objects) read(hash plumbing.Hash) (plumbing.ObjectType, []byte, error) {
	o.mu.Lock()
	kind, size, content, err := o.readLocked(hash)
	o.mu.Unlock()
	switch {
	case err != nil:
		return 0, nil, o.failed(hash, err)
	case size > o.limits.FileBytes:
		return 0, nil, fmt.Errorf("is %w: %d bytes, the limit is %d", tree.ErrTooLarge, size, o.limits.FileBytes)
	case plumbing.ComputeHash(kind, content) != hash:
		return 0, nil, o.failed(hash, errors.New("its content is not what its id says"))
	}
	return kind, content, nil
}

// readLocked reads an object; of one over the limit it reads the size alone.
func (o *objects) readLocked(hash plumbing.Hash) (kind plumbing.ObjectType, size int64, content []byte, err error) {
	encoded, err := retry(o, func() (plumbing.EncodedObject, error) {
		return o.storage.EncodedObject(plumbing.AnyObject, hash)
	})
	if err != nil {
		return 0, 0, nil, err
	}
	kind, size = encoded.Type(), encoded.Size()
	if size > o.limits.FileBytes {
		return kind, size, nil, nil
	}
	reader, err := encoded.Reader()
	if err != nil {
		return 0, 0, nil, err
	}
	defer func() { _ = reader.Close() }()
	content = make([]byte, size)
	_, err = io.ReadFull(reader, content)
	return kind, size, content, err
}

// retry reads again with fresh indexes: a repository on disk may have been
// repacked by git since they were read.
func retry[T any](o *objects, read func() (T, error)) (T, error) {
	value, err := read()
	if errors.Is(err, plumbing.ErrObjectNotFound) || errors.Is(err, os.ErrNotExist) {
		o.storage.Reindex()
		value, err = read()
	}
	return value, err
}

func (o *objects) failed(hash plumbing.Hash, err error) error {
	return o.damaged(fmt.Sprintf("object %s: %v", hash, err))
}

// maxTags is how many tags of tags are followed.
const maxTags = 16

// peel follows tags to a commit.
func (o *objects) peel(hash plumbing.Hash) (plumbing.Hash, error) {
	for range maxTags {
		kind, content, err := o.read(hash)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		switch kind {
		case plumbing.CommitObject:
			return hash, nil
		case plumbing.TagObject:
			var tag object.Tag
			if err := tag.Decode(memoryObject(kind, content)); err != nil {
				return plumbing.ZeroHash, fmt.Errorf("tag %s cannot be read: %w", hash, err)
			}
			hash = tag.Target
		default:
			return plumbing.ZeroHash, fmt.Errorf("it is a %s, not a commit", kind)
		}
	}
	return plumbing.ZeroHash, fmt.Errorf("it is a tag of a tag of a tag, more than %d times", maxTags)
}

// commit returns a commit.
func (o *objects) commit(hash plumbing.Hash) (*object.Commit, error) {
	kind, content, err := o.read(hash)
	if err != nil {
		return nil, err
	}
	commit := &object.Commit{}
	if err := commit.Decode(memoryObject(kind, content)); err != nil {
		return nil, fmt.Errorf("commit %s cannot be read: %w", hash, err)
	}
	return commit, nil
}

// commitsWithPrefix returns up to two commits whose ids start with some digits.
func (o *objects) commitsWithPrefix(digits string) ([]plumbing.Hash, error) {
	whole, err := hex.DecodeString(digits[:len(digits)/2*2])
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	hashes, err := o.storage.HashesWithPrefix(whole)
	o.mu.Unlock()
	if err != nil {
		return nil, o.damaged(err.Error())
	}
	slices.SortFunc(hashes, func(a, b plumbing.Hash) int { return bytes.Compare(a[:], b[:]) })
	var commits []plumbing.Hash
	for _, hash := range hashes {
		if !strings.HasPrefix(hash.String(), digits) {
			continue
		}
		o.mu.Lock()
		_, err := o.storage.EncodedObject(plumbing.CommitObject, hash)
		o.mu.Unlock()
		if err == nil {
			commits = append(commits, hash)
		}
		if len(commits) == 2 {
			break
		}
	}
	return commits, nil
}

func memoryObject(kind plumbing.ObjectType, content []byte) plumbing.EncodedObject {
	encoded := &plumbing.MemoryObject{}
	encoded.SetType(kind)
	_, _ = encoded.Write(content) // into memory: never fails
	return encoded
}

// checkPacks finds packs that were cut short: a pack ends with its checksum,
// which is also its name.
func checkPacks(path string) error {
	packs, err := packsIn(path, "pack-", ".pack")
	if err != nil {
		return err
	}
	for _, pack := range packs {
		if err := checkPack(pack); err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(pack), err)
		}
	}
	return nil
}

// packsIn lists the files of a repository's packs by how their names start and end.
func packsIn(path, prefix, suffix string) ([]string, error) {
	directory := filepath.Join(path, "objects", "pack")
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), prefix) && strings.HasSuffix(entry.Name(), suffix) {
			files = append(files, filepath.Join(directory, entry.Name()))
		}
	}
	return files, nil
}

func checkPack(pack string) error {
	file, err := os.Open(pack)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	var trailer [20]byte
	if _, err := file.Seek(-int64(len(trailer)), io.SeekEnd); err != nil {
		return err
	}
	if _, err := io.ReadFull(file, trailer[:]); err != nil {
		return err
	}
	if want := "pack-" + hex.EncodeToString(trailer[:]) + ".pack"; want != filepath.Base(pack) {
		return errors.New("is cut short or not what its name says")
	}
	return nil
}
