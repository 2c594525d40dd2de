package tree

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// Limits bound what an archive may unpack to. Zero is no limit.
type Limits struct {
	Bytes     int64 // of all files together
	FileBytes int64 // of one file
	Files     int   // files and directories
	// Ratio is how many times larger than its compressed form an archive may
	// be; it is not asked of the first megabyte.
	Ratio int64
}

// ratioFree is what may be unpacked before Limits.Ratio is asked.
const ratioFree = 1 << 20

// ReadArchive unpacks a tar archive, gzip-compressed or not, into memory.
// Absolute paths, paths with "..", links, devices and duplicates are errors, as
// is an archive over its limits (ErrTooLarge) or cut short.
func ReadArchive(r io.Reader, limits Limits) (*Memory, error) {
	compressed := &countingReader{r: r}
	buffered := bufio.NewReader(compressed)
	plain := &countingReader{r: buffered}
	plain.check = func(n int64) error { return limits.checkStream(n, compressed.n, false) }
	if magic, err := buffered.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("archive is damaged: %w", err)
		}
		plain.r = unzipped
		plain.check = func(n int64) error { return limits.checkStream(n, compressed.n, true) }
	}
	reader := &archiveReader{tar: tar.NewReader(plain), root: &Memory{}, limits: limits}
	if err := reader.readAll(); err != nil {
		return nil, err
	}
	// What is after the end of the tar is part of the stream: gzip's checksum is
	// only checked at its end.
	if _, err := io.Copy(io.Discard, plain); err != nil {
		return nil, damaged(err)
	}
	return reader.root, nil
}

type archiveReader struct {
	tar    *tar.Reader
	root   *Memory
	limits Limits
	bytes  int64
	files  int
}

func (a *archiveReader) readAll() error {
	for {
		header, err := a.tar.Next()
		if errors.Is(err, io.EOF) {
			if a.files == 0 {
				return errors.New("archive is empty")
			}
			return nil
		}
		if err != nil {
			return damaged(err)
		}
		if err := a.entry(header); err != nil {
			return err
		}
	}
}

func (a *archiveReader) entry(header *tar.Header) error {
	if header.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name, err := cleanName(header.Name)
	if err != nil {
		return err
	}
	if a.files++; a.limits.Files > 0 && a.files > a.limits.Files {
		return fmt.Errorf("archive is %w: more than %d files and directories", ErrTooLarge, a.limits.Files)
	}
	switch header.Typeflag {
	case tar.TypeDir:
		return a.root.AddDirectory(name)
	case tar.TypeReg:
		return a.file(name, header)
	case tar.TypeSymlink, tar.TypeLink:
		return fmt.Errorf("archive holds a link, %s, which is not allowed", name)
	default:
		return fmt.Errorf("archive holds %s, which is neither a file nor a directory", name)
	}
}

func (a *archiveReader) file(name string, header *tar.Header) error {
	if a.limits.FileBytes > 0 && header.Size > a.limits.FileBytes {
		return fmt.Errorf("file %s in the archive is %w: %d bytes, the limit is %d", name, ErrTooLarge, header.Size, a.limits.FileBytes)
	}
	if a.bytes += header.Size; a.limits.Bytes > 0 && a.bytes > a.limits.Bytes {
		return fmt.Errorf("archive is %w: its files are more than %d bytes", ErrTooLarge, a.limits.Bytes)
	}
	// Not sized by the header, which may claim anything.
	content, err := io.ReadAll(a.tar)
	if err != nil {
		return damaged(err)
	}
	return a.root.AddFile(name, content, header.FileInfo().Mode()&0o111 != 0)
}

// cleanName returns an archive's name as a path inside the tree.
func cleanName(name string) (string, error) {
	for _, element := range strings.Split(name, "/") {
		if element == ".." {
			return "", fmt.Errorf("archive holds the path %q, which leads out of it", name)
		}
	}
	clean := path.Clean(name)
	if path.IsAbs(name) || strings.ContainsAny(name, "\\\x00") || !fs.ValidPath(clean) {
		return "", fmt.Errorf("archive holds the path %q, which is not a relative path", name)
	}
	return clean, nil
}

// checkStream bounds a whole stream: headers and padding count too.
func (l Limits) checkStream(plain, compressed int64, zipped bool) error {
	if l.Bytes > 0 && plain > 2*l.Bytes+ratioFree {
		return fmt.Errorf("archive is %w: it unpacks to more than %d bytes", ErrTooLarge, l.Bytes)
	}
	if zipped && l.Ratio > 0 && plain > ratioFree && plain/l.Ratio > compressed {
		return fmt.Errorf("archive is %w: it unpacks to more than %d times its size", ErrTooLarge, l.Ratio)
	}
	return nil
}

func damaged(err error) error {
	if errors.Is(err, ErrTooLarge) {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("archive is damaged: it is cut short")
	}
	return fmt.Errorf("archive is damaged: %w", err)
}

// countingReader counts what was read, and stops when check says so.
type countingReader struct {
	r     io.Reader
	n     int64
	check func(n int64) error
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.check != nil {
		if failed := c.check(c.n); failed != nil {
			return n, failed
		}
	}
	return n, err
}

// ChartFolder returns the folder of an unpacked Helm chart that holds
// Chart.yaml: the only one at the top of the archive.
func ChartFolder(root *Memory) (*Memory, error) {
	var folders []*Memory
	for _, node := range root.children {
		if node.directory != nil && node.directory.HasFile("Chart.yaml") {
			folders = append(folders, node.directory)
		}
	}
	switch len(folders) {
	case 0:
		return nil, errors.New("archive is no Helm chart: it has no folder with a Chart.yaml")
	case 1:
		return folders[0], nil
	default:
		return nil, errors.New("archive is no Helm chart: several folders have a Chart.yaml")
	}
}
