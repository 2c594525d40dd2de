// Package modulesource understands what a module block says about where the
// module comes from: a path, a git repository or an OCI artifact, with a
// directory in it and a revision or a range of versions.
//
// It reads nothing and resolves nothing. The language imports it to load modules,
// and whoever reads them implements Reader.
package modulesource

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/gantrycd/gantry/plan/source"
)

// Source is where a module that is no local path comes from.
type Source struct {
	// Location is the repository or artifact; its Revision is what `ref`, or the tag
	// or digest of an OCI address, says. Its Auth is how to log in, where something
	// says so.
	Location source.Location
	// Subdir is the module's directory in it: slash-separated, clean, "" is the root.
	Subdir string
	// Version is the constraint over tags or OCI versions, as it was written; with
	// it Location.Revision is empty.
	Version string
	// Address is the block's, such as module.network, for messages and progress.
	Address string
}

// Requested is the location with the revision that is asked for: of a constraint,
// the range that sources understand.
func (s Source) Requested() source.Location {
	location := s.Location
	if s.Version != "" {
		location.Revision = rangeOf(s.Version)
	}
	return location
}

// Relative is the module that a local path in this one leads to: another directory of
// the same repository or artifact.
func (s Source) Relative(local string) (Source, error) {
	joined := path.Join(s.Subdir, local)
	switch {
	case joined == "..", strings.HasPrefix(joined, "../"):
		return Source{}, fmt.Errorf("it leads out of %s, where the module is from", s.Location.URL)
	case joined == ".":
		joined = ""
	}
	s.Subdir = joined
	return s, nil
}

// String is the source as it would be written, for messages. It holds no
// credentials, as Parse takes none.
func (s Source) String() string {
	text := s.Location.URL
	if s.Location.Type == source.OCI {
		switch {
		case isDigest(s.Location.Revision):
			text += "@" + s.Location.Revision
		case s.Location.Revision != "":
			text += ":" + s.Location.Revision
		}
	}
	if s.Subdir != "" {
		text += "//" + s.Subdir
	}
	if s.Location.Type == source.Git && s.Location.Revision != "" {
		text += "?ref=" + s.Location.Revision
	}
	return text
}

// Reader reads the sources of modules that are no local paths. It is safe for
// concurrent use, and gives the same source the same content for as long as one
// command runs.
type Reader interface {
	// ReadModule returns the directory of a module, read-only, and what the source
	// came to. Its errors hold no credentials.
	ReadModule(ctx context.Context, from Source) (fs.FS, source.Pin, error)
}
