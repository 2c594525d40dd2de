package planfile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	kjson "sigs.k8s.io/json"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/seal"
)

var (
	// ErrNotPlan means that a file is no plan file.
	ErrNotPlan = errors.New("not a plan file")
	// ErrCutShort means that the end of a plan file is missing.
	ErrCutShort = errors.New("the plan file is cut short")
	// ErrDamaged means that a plan file is not as it was written.
	ErrDamaged = errors.New("the plan file is damaged")
	// ErrTooLarge means that a plan is larger than any that is read.
	ErrTooLarge = errors.New("the plan is too large")
	// ErrInvalid means that a plan file is whole and what it says cannot be.
	ErrInvalid = errors.New("the plan is not valid")
)

// VersionError means that a plan file has another format than this one.
type VersionError struct {
	Version int
	Tool    string // the gantry that wrote it, where it says
}

// Error implements error.
func (e *VersionError) Error() string {
	text := fmt.Sprintf("the plan file has another version (%d; this gantry reads %d)", e.Version, Version)
	if e.Tool != "" {
		text += ": it was made by gantry " + e.Tool
	}
	return text + "; plan again with this gantry, or use that one"
}

// What is read at most, so that a small file cannot fill the memory.
const (
	maxLine    = 256     // bytes of a line of the header
	maxBody    = 1 << 28 // bytes of the compressed body
	maxContent = 1 << 30 // bytes of JSON
)

// Read reads a plan. With an identity it opens what is sealed in it. Without one
// (nil) the plan can be shown but, if it is IsSealed, not applied; Unseal opens it
// later.
func Read(r io.Reader, identity *seal.Identity) (*plan.Plan, error) {
	p, err := read(r, maxBody, maxContent)
	if err != nil {
		return nil, err
	}
	if identity == nil {
		return p, nil
	}
	return Unseal(p, identity)
}

// ReadFile reads a plan file; see Read.
func ReadFile(path string, identity *seal.Identity) (*plan.Plan, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading a plan: %w", err)
	}
	p, err := Read(file, identity)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

func read(r io.Reader, maxBody, maxContent int64) (*plan.Plan, error) {
	buffered := bufio.NewReaderSize(r, maxLine)
	length, err := readHeader(buffered)
	if err != nil {
		return nil, err
	}
	if length.bytes > maxBody {
		return nil, fmt.Errorf("%w: its file says that it has %d bytes", ErrTooLarge, length.bytes)
	}
	body, err := io.ReadAll(io.LimitReader(buffered, length.bytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading a plan: %w", err)
	case int64(len(body)) < length.bytes:
		return nil, fmt.Errorf("%w: %d of %d bytes are missing", ErrCutShort, length.bytes-int64(len(body)), length.bytes)
	case int64(len(body)) > length.bytes:
		return nil, fmt.Errorf("%w: there is something behind its end", ErrDamaged)
	case checksum(length.summed, body) != length.checksum:
		return nil, fmt.Errorf("%w: its content does not match its checksum", ErrDamaged)
	}
	expand, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: its body is no gzip: %w", ErrInvalid, err)
	}
	text, err := io.ReadAll(io.LimitReader(expand, maxContent+1))
	if err != nil {
		return nil, fmt.Errorf("%w: its body is no gzip: %w", ErrInvalid, err)
	}
	if int64(len(text)) > maxContent {
		return nil, fmt.Errorf("%w: it takes more than %d bytes", ErrTooLarge, maxContent)
	}
	p := &plan.Plan{}
	strict, err := kjson.UnmarshalStrict(text, p)
	if err = errors.Join(append(strict, err)...); err != nil {
		return nil, fmt.Errorf("%w: made by gantry %s: %w", ErrInvalid, length.tool, err)
	}
	return p, Validate(p)
}

// header is what the lines before the body say.
type header struct {
	tool     string
	bytes    int64
	checksum string
	summed   string // the lines that the checksum is over, too
}

func readHeader(r *bufio.Reader) (header, error) {
	var h header
	version, err := readMagic(r)
	if err != nil {
		return h, err
	}
	if version != strconv.Itoa(Version) {
		return h, otherVersion(version, r)
	}
	h.summed = magic + version + "\n"
	var length string
	for _, field := range []struct {
		name   string
		value  *string
		summed bool
	}{{"tool", &h.tool, true}, {"length", &length, true}, {"sha256", &h.checksum, false}} {
		line, err := readLine(r)
		if err != nil {
			return h, err
		}
		var ok bool
		if *field.value, ok = strings.CutPrefix(line, field.name+" "); !ok {
			return h, fmt.Errorf("%w: its header has no line %q", ErrDamaged, field.name)
		}
		if field.summed {
			h.summed += line + "\n"
		}
	}
	switch line, err := readLine(r); {
	case err != nil:
		return h, err
	case line != "":
		return h, fmt.Errorf("%w: its header does not end where it should", ErrDamaged)
	}
	h.bytes, err = strconv.ParseInt(length, 10, 64)
	if err != nil || h.bytes < 0 {
		return h, fmt.Errorf("%w: its length is %q", ErrDamaged, length)
	}
	return h, nil
}

// otherVersion is the error for a file of another format.
func otherVersion(version string, r *bufio.Reader) error {
	number, err := strconv.Atoi(version)
	if err != nil || number < 1 {
		return fmt.Errorf("%w: its version is %q", ErrDamaged, version)
	}
	line, err := readLine(r)
	tool, ok := strings.CutPrefix(line, "tool ")
	if err != nil || !ok {
		tool = ""
	}
	return &VersionError{Version: number, Tool: tool}
}

// readMagic reads the first line and returns the version it says.
func readMagic(r *bufio.Reader) (string, error) {
	start, err := r.Peek(len(magic))
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading a plan: %w", err)
	}
	switch {
	case len(start) == 0:
		return "", fmt.Errorf("%w: it is empty", ErrCutShort)
	case !strings.HasPrefix(magic, string(start)):
		return "", fmt.Errorf("%w: plan files begin with %q", ErrNotPlan, strings.TrimSpace(magic))
	}
	line, err := readLine(r)
	return strings.TrimPrefix(line, magic), err
}

func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadSlice('\n')
	switch {
	case errors.Is(err, io.EOF):
		return "", fmt.Errorf("%w: it ends in its header", ErrCutShort)
	case errors.Is(err, bufio.ErrBufferFull):
		return "", fmt.Errorf("%w: its header has a line of more than %d bytes", ErrDamaged, maxLine)
	case err != nil:
		return "", fmt.Errorf("reading a plan: %w", err)
	}
	return string(line[:len(line)-1]), nil
}
