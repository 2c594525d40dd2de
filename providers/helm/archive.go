package helm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"helm.sh/helm/v4/pkg/chart/loader/archive"
)

// maxRatio is how many times larger than its archive a chart may be, once it is
// larger than freeBytes: text packs to a tenth, nothing honest to a thousandth.
const (
	maxRatio  = 200
	freeBytes = 10 << 20
)

// unpack reads a chart archive into memory, named from the chart's folder. It
// refuses links, devices, and names that leave the archive.
func (l *chartLoader) unpack(data []byte) ([]*archive.BufferedFile, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("is no chart archive: %w", err)
	}
	limit := min(maxChartBytes, max(freeBytes, maxRatio*len(data)))
	// One byte more than the limit tells a bomb from a file that just fits.
	stream := &io.LimitedReader{R: unzipped, N: int64(limit) + 1}
	entries := tar.NewReader(stream)
	var files []*archive.BufferedFile
	seen := map[string]bool{}
	for {
		if err := l.ctx.Err(); err != nil {
			return nil, err
		}
		header, err := entries.Next()
		if stream.N <= 0 {
			return nil, fmt.Errorf("the archive unpacks to more than %d MiB", limit>>20)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("the archive is damaged: %w", err)
		}
		name, err := entryName(header)
		if err != nil {
			return nil, err
		}
		if name == "" {
			continue
		}
		if seen[name] {
			return nil, fmt.Errorf("the archive has %q twice", name)
		}
		seen[name] = true
		content, err := io.ReadAll(entries)
		if stream.N <= 0 {
			return nil, fmt.Errorf("the archive unpacks to more than %d MiB", limit>>20)
		}
		if err != nil {
			return nil, fmt.Errorf("the archive is damaged: %w", err)
		}
		if err := l.spend(len(content)); err != nil {
			return nil, err
		}
		content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
		files = append(files, &archive.BufferedFile{Name: name, Data: content})
	}
	if len(files) == 0 {
		return nil, errors.New("the archive is empty")
	}
	return files, nil
}

// entryName returns the name of an archive's file below the chart's folder, and
// "" for what is no file and does no harm.
func entryName(header *tar.Header) (string, error) {
	switch header.Typeflag {
	case tar.TypeReg:
	case tar.TypeDir, tar.TypeXGlobalHeader, tar.TypeXHeader:
		return "", nil
	default:
		return "", fmt.Errorf("the archive has %q, which is a link or no regular file", header.Name)
	}
	name := header.Name
	if strings.Contains(name, `\`) { // packaged on Windows
		name = strings.ReplaceAll(name, `\`, "/")
	}
	folder, rest, ok := strings.Cut(name, "/")
	clean := path.Clean(rest)
	if !ok || folder == "" || folder == ".." || !fs.ValidPath(clean) || clean == "." || strings.Contains(clean, ":") || strings.Contains(rest, "\x00") {
		return "", fmt.Errorf("the archive has a file named %q, outside of the chart's folder", header.Name)
	}
	for part := range strings.SplitSeq(rest, "/") {
		if part == ".." {
			return "", fmt.Errorf("the archive has a file named %q, which climbs with \"..\"", header.Name)
		}
	}
	return clean, nil
}
