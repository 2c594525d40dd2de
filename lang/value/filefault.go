package value

import (
	"errors"
	"io/fs"
	"syscall"
)

// FileFault says in words what is wrong with a file, to follow its name: "it does not
// exist". The path that the error has is left out; what is no error of a file system
// stays as it is.
func FileFault(err error) error {
	for _, known := range []struct {
		is    error
		words string
	}{
		{fs.ErrNotExist, "it does not exist"},
		{fs.ErrExist, "it exists already"},
		{fs.ErrPermission, "permission is denied"},
		{fs.ErrInvalid, "it is not a path that can be used"},
		{syscall.EISDIR, "it is a directory"},
		{syscall.ENOTDIR, "a part of its path is no directory"},
		{syscall.ELOOP, "its symbolic links lead round in a circle"},
		{syscall.ENAMETOOLONG, "its name is too long"},
		{syscall.ENOSPC, "the disk is full"},
		{syscall.EROFS, "the disk is read-only"},
	} {
		if errors.Is(err, known.is) {
			return errors.New(known.words)
		}
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
