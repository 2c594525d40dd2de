package tree

import (
	"bytes"
	"io"
	"io/fs"
	"time"
)

// info describes an entry.
type info struct {
	name  string
	entry Entry
	size  int64
}

// infoOf describes an entry; it asks for a file's size.
func infoOf(name string, e Entry) (info, error) {
	i := info{name: name, entry: e}
	file := e.File
	if file == nil {
		file = e.Link
	}
	if file == nil {
		return i, nil
	}
	size, err := file.Size()
	i.size = size
	return i, err
}

func (i info) Name() string { return i.name }
func (i info) Size() int64  { return i.size }
func (i info) IsDir() bool  { return i.entry.Directory != nil }
func (i info) Sys() any     { return nil }

func (i info) Mode() fs.FileMode {
	switch {
	case i.entry.Directory != nil:
		return fs.ModeDir | 0o555
	case i.entry.Link != nil:
		return fs.ModeSymlink | 0o777
	case i.entry.Refused != nil:
		return fs.ModeIrregular
	case i.entry.Executable:
		return 0o555
	default:
		return 0o444
	}
}

// dirEntry is an entry in a listing.
type dirEntry struct{ entry Entry }

func (d dirEntry) Name() string               { return d.entry.Name }
func (d dirEntry) IsDir() bool                { return d.entry.Directory != nil }
func (d dirEntry) Type() fs.FileMode          { return info{entry: d.entry}.Mode().Type() }
func (d dirEntry) Info() (fs.FileInfo, error) { return infoOf(d.entry.Name, d.entry) }
func (d dirEntry) String() string             { return fs.FormatDirEntry(d) }

// openFile is an open file, wholly in memory.
type openFile struct {
	*bytes.Reader // Read, ReadAt, Seek
	info          info
}

func newOpenFile(i info, data []byte) *openFile {
	return &openFile{Reader: bytes.NewReader(data), info: i}
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

// openDirectory is an open directory.
type openDirectory struct {
	info info
	list []fs.DirEntry
}

func (d *openDirectory) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDirectory) Close() error               { return nil }

func (d *openDirectory) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: fs.ErrInvalid}
}

// ReadDir implements fs.ReadDirFile.
func (d *openDirectory) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		list := d.list
		d.list = nil
		return list, nil
	}
	if len(d.list) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.list))
	list := d.list[:n]
	d.list = d.list[n:]
	return list, nil
}

// modTime is that of every file: content has no time.
func (i info) ModTime() time.Time { return time.Unix(0, 0).UTC() }
