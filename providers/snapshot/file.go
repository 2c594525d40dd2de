package snapshot

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	kjson "sigs.k8s.io/json"
)

// Version is of the file's form. A file of another version is refused.
const Version = 1

// magic is what a file begins with; the version follows.
const magic = "gantry-snapshot "

// MaxSize bounds what a file may hold, uncompressed.
const MaxSize = 1 << 30

// Reasons why a file is refused.
var (
	ErrDamaged = errors.New("the snapshot is damaged")
	ErrVersion = errors.New("the snapshot is of another version")
	ErrForeign = errors.New("it is no snapshot")
)

// Encode returns a snapshot as it is in a file: a line with the version, a line with
// a digest of what follows, and compressed JSON. Equal snapshots give equal bytes.
func Encode(s *Snapshot) ([]byte, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("writing a snapshot: %w", err)
	}
	if len(text) > MaxSize {
		return nil, fmt.Errorf("writing a snapshot: it has %d bytes, and may have %d; take one of fewer clusters with --cluster", len(text), MaxSize)
	}
	var body bytes.Buffer
	compress := gzip.NewWriter(&body)
	if _, err := compress.Write(text); err != nil {
		return nil, fmt.Errorf("writing a snapshot: %w", err)
	}
	if err := compress.Close(); err != nil {
		return nil, fmt.Errorf("writing a snapshot: %w", err)
	}
	head := magic + strconv.Itoa(Version) + "\n"
	return append([]byte(head+"sha256 "+checksum(head, body.Bytes())+"\n"), body.Bytes()...), nil
}

func checksum(head string, body []byte) string {
	sum := sha256.New()
	_, _ = io.WriteString(sum, head) // a hash never fails
	_, _ = sum.Write(body)
	return hex.EncodeToString(sum.Sum(nil))
}

// Decode is the opposite of Encode. Whatever is not as it was written is refused.
func Decode(file []byte) (*Snapshot, error) {
	first, rest, ok := bytes.Cut(file, []byte("\n"))
	version, is := strings.CutPrefix(string(first), magic)
	if !ok || !is {
		return nil, ErrForeign
	}
	if n, err := strconv.Atoi(version); err != nil || n != Version {
		return nil, fmt.Errorf("%w: it has %q, and this gantry reads %d. Take it again with \"gantry snapshot\"", ErrVersion, version, Version)
	}
	second, body, ok := bytes.Cut(rest, []byte("\n"))
	given, is := strings.CutPrefix(string(second), "sha256 ")
	if !ok || !is {
		return nil, ErrDamaged
	}
	if subtle.ConstantTimeCompare([]byte(given), []byte(checksum(string(first)+"\n", body))) != 1 {
		return nil, fmt.Errorf("%w: its digest does not match. Take it again", ErrDamaged)
	}
	content, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	text, err := io.ReadAll(io.LimitReader(content, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if len(text) > MaxSize {
		return nil, fmt.Errorf("%w: it holds more than %d bytes", ErrDamaged, MaxSize)
	}
	out := &Snapshot{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(text, out); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return out, out.check()
}

// check holds that what refers to something in the snapshot finds it there.
func (s *Snapshot) check() error {
	for _, c := range s.Clusters {
		if c == nil {
			return fmt.Errorf("%w: it has an empty cluster", ErrDamaged)
		}
		for _, schema := range c.Schemas {
			if s.Documents[schema.Digest] == nil {
				return fmt.Errorf("%w: the schemas of %s/%s of cluster %q are missing", ErrDamaged, schema.Group, schema.Version, c.Name)
			}
		}
	}
	return nil
}

// WriteFile writes a snapshot for its owner alone. A file that is there is replaced
// by the whole new one, or left as it is.
func WriteFile(path string, s *Snapshot) (err error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("writing a snapshot: %s is a directory, expected the name of a file", path)
	}
	text, err := Encode(s)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".gantrysnapshot-*") // readable by its owner only
	if err != nil {
		return fmt.Errorf("writing a snapshot: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("writing a snapshot: %w", err), os.Remove(file.Name()))
		}
	}()
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	return err
}

// ReadFile reads a snapshot.
func ReadFile(path string) (*Snapshot, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading a snapshot: %w", err)
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading a snapshot: %w", err)
	}
	s, err := Decode(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}
