package lockfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/syntax"
	"github.com/gantrycd/gantry/lang/value"
)

// Read reads the lock file of a directory. One that is not there is an empty File;
// the File is nil where it cannot be read or anything is wrong with it. src is
// its text, for showing diagnostics.
func Read(dir string) (file *File, src []byte, diags hcl.Diagnostics) {
	path := filepath.Join(dir, Name)
	unreadable := func(err error) (*File, []byte, hcl.Diagnostics) {
		start := hcl.Range{Filename: path, Start: hcl.InitialPos, End: hcl.InitialPos}
		return nil, nil, hcl.Diagnostics{{
			Severity: hcl.DiagError, Summary: "Cannot read the lock file",
			Detail: fmt.Sprintf("%s cannot be read: %s.", path, value.FileFault(err)), Subject: &start,
		}}
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &File{}, nil, nil
	case err != nil:
		return unreadable(err)
	case !info.Mode().IsRegular():
		return unreadable(errors.New("it is not a file"))
	case info.Size() > syntax.MaxSize:
		return unreadable(fmt.Errorf("it has %d bytes, and may have %d", info.Size(), syntax.MaxSize))
	}
	if src, err = os.ReadFile(path); err != nil {
		return unreadable(err)
	}
	file, diags = Parse(src, path)
	return file, src, diags
}

// Write writes the lock file of a directory in one step: whoever reads it, and
// whatever happens meanwhile, there is the old file or the new one. A file that
// would not change is left alone.
func Write(dir string, file *File) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("writing the lock file: %w", err)
		}
	}()
	path := filepath.Join(dir, Name)
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	content, mode := file.Bytes(), fs.FileMode(0o644)
	switch old, err := os.ReadFile(path); {
	case err == nil && bytes.Equal(old, content):
		return nil
	case err == nil:
		if info, err := os.Stat(path); err == nil {
			mode = info.Mode().Perm()
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	written, err := os.CreateTemp(filepath.Dir(path), Name+".*.tmp")
	if err != nil {
		return err
	}
	_, err = written.Write(content)
	err = errors.Join(err, written.Chmod(mode), written.Sync(), written.Close())
	if err == nil {
		err = os.Rename(written.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(written.Name()))
	}
	return nil
}
