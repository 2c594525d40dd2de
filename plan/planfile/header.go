package planfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// header is what the lines before the body say.
type header struct {
	tool     string
	content  string // contentPlain, contentEncrypted or contentKeyed
	bytes    int64
	checksum string
}

// What a body is, from the inside.
const (
	contentPlain     = "gzip"
	contentEncrypted = "gzip age"
	contentKeyed     = "gzip aes-256-gcm"
)

func contentOf(options WriteOptions) string {
	switch {
	case len(options.EncryptTo) > 0:
		return contentEncrypted
	case options.Key != nil:
		return contentKeyed
	}
	return contentPlain
}

// lines are the header's lines that the checksum is over.
func (h header) lines() string {
	return fmt.Sprintf("%s%d\ntool %s\ncontent %s\nlength %d\n", magic, Version, h.tool, h.content, h.bytes)
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
	var length string
	for _, field := range []struct {
		name  string
		value *string
	}{{"tool", &h.tool}, {"content", &h.content}, {"length", &length}, {"sha256", &h.checksum}} {
		line, err := readLine(r)
		if err != nil {
			return h, err
		}
		var ok bool
		if *field.value, ok = strings.CutPrefix(line, field.name+" "); !ok {
			return h, fmt.Errorf("%w: its header has no line %q", ErrDamaged, field.name)
		}
	}
	switch line, err := readLine(r); {
	case err != nil:
		return h, err
	case line != "":
		return h, fmt.Errorf("%w: its header does not end where it should", ErrDamaged)
	}
	h.bytes, err = strconv.ParseInt(length, 10, 64)
	if err != nil || h.bytes < 0 || length != strconv.FormatInt(h.bytes, 10) {
		return h, fmt.Errorf("%w: its length is %q", ErrDamaged, length)
	}
	if h.content != contentPlain && h.content != contentEncrypted && h.content != contentKeyed {
		return h, fmt.Errorf("%w: its content is %q", ErrDamaged, h.content)
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
