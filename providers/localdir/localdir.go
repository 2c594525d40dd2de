// Package localdir reads directories beside the configuration.
//
// A directory is read whole into memory when it is opened, so that a change
// while a plan is made does not matter, and is known by a digest of what was
// read. Nothing outside of the configuration's directory is ever read: not by
// "..", not by a symbolic link.
package localdir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/once"
	"github.com/gantrycd/gantry/providers/tree"
)

// Options say what may be read.
type Options struct {
	// Root is the directory of the configuration (the module). Locations are
	// paths relative to it, and inside it.
	Root string
	// Limits bound a directory; zero values are the defaults.
	Limits tree.Limits
}

// The default limits.
const (
	DefaultBytes     = 256 << 20
	DefaultFileBytes = 64 << 20
	DefaultFiles     = 100_000
)

// Source opens directories. It is safe for concurrent use, and reads each
// directory once.
type Source struct {
	root   string
	limits tree.Limits

	snapshots once.Map[string, *providers.Snapshot]
}

var _ providers.Source = (*Source)(nil)

// New returns a Source below a root.
func New(options Options) *Source {
	limits := options.Limits
	if limits.Bytes == 0 {
		limits.Bytes = DefaultBytes
	}
	if limits.FileBytes == 0 {
		limits.FileBytes = DefaultFileBytes
	}
	if limits.Files == 0 {
		limits.Files = DefaultFiles
	}
	return &Source{root: options.Root, limits: limits}
}

// Open reads a directory. A location has no revision: what is there is what is
// read, and Pin.Digest tells what it was.
func (s *Source) Open(ctx context.Context, location source.Location) (*providers.Snapshot, error) {
	if location.Type != source.Directory {
		return nil, fmt.Errorf("%w: a %q location is not a directory", providers.ErrUnsupported, location.Type)
	}
	if location.Revision != "" {
		return nil, fmt.Errorf("%w: directory %s has no revisions, and %q was asked for", providers.ErrUnsupported, location.URL, location.Revision)
	}
	name, err := inside(location.URL)
	if err != nil {
		return nil, err
	}
	snapshot, err := s.snapshots.Get(ctx, name, func(ctx context.Context) (*providers.Snapshot, error) {
		return s.read(ctx, name)
	})
	if err != nil {
		return nil, fmt.Errorf("directory %s: %w", location.URL, err)
	}
	pin := snapshot.Pin
	pin.Location = location
	return &providers.Snapshot{Pin: pin, FS: snapshot.FS}, nil
}

// inside returns a location's path relative to the root.
func inside(written string) (string, error) {
	if written == "" {
		return "", errors.New("a directory location needs a path")
	}
	slashed := filepath.ToSlash(written)
	clean := path.Clean(slashed)
	if path.IsAbs(slashed) || filepath.IsAbs(written) || !fs.ValidPath(clean) || strings.ContainsRune(clean, 0) {
		return "", fmt.Errorf("directory %s is not inside the configuration's directory; use a path below it, or a git source", written)
	}
	return clean, nil
}

func (s *Source) read(ctx context.Context, name string) (*providers.Snapshot, error) {
	base, err := os.OpenRoot(s.root)
	if err != nil {
		return nil, fileError(err)
	}
	defer func() { _ = base.Close() }()
	root, err := base.OpenRoot(filepath.FromSlash(name))
	if err != nil {
		return nil, fileError(err)
	}
	defer func() { _ = root.Close() }()
	r := newReader(root, s.limits)
	if err := r.directory(ctx, "."); err != nil {
		return nil, err
	}
	return &providers.Snapshot{
		Pin: source.Pin{Digest: r.digest.String()},
		FS:  tree.New(r.tree, 0),
	}, nil
}

// fileError gives errors of the file system the types of providers.
func fileError(err error) error {
	var wrapped *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w on this machine", providers.ErrNotFound)
	case errors.As(err, &wrapped) && wrapped.Err.Error() == "path escapes from parent":
		return errors.New("a symbolic link leads out of the configuration's directory")
	case errors.As(err, &wrapped):
		return fmt.Errorf("%s: %w", wrapped.Path, wrapped.Err)
	default:
		return err
	}
}

// readFile reads a file that is at most limit bytes.
func readFile(root *os.Root, name string, limit int64) ([]byte, fs.FileMode, error) {
	file, err := root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|nonBlocking, 0)
	if err != nil {
		return nil, 0, fileError(err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, 0, fileError(err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s changed while it was read; try again", name)
	}
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, 0, fileError(err)
	}
	if int64(len(content)) > limit {
		return nil, 0, fmt.Errorf("%s is %w: more than %d bytes", name, tree.ErrTooLarge, limit)
	}
	return content, info.Mode(), nil
}
