package planfile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/signature"
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
	// ErrEncrypted means that no key at hand opens a plan file.
	ErrEncrypted = errors.New("the plan file is encrypted, and no key that was given opens it")
	// ErrSignature means that a plan file does not have the signature that is demanded.
	ErrSignature = errors.New("the plan file is not trusted")
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
	maxLine     = 256     // bytes of a line of the header
	maxBody     = 1 << 28 // bytes of the body
	maxContent  = 1 << 30 // bytes of the payload
	maxEnvelope = 3 << 29 // bytes of the envelope, in which the payload is base64
	maxFile     = maxBody + 8*maxLine
)

// ReadOptions are what a plan file is read with.
type ReadOptions struct {
	// Identity opens what is sealed. Without one (nil) the plan can be shown but, if it
	// is IsSealed, not applied; Unseal opens it later.
	Identity *seal.Identity
	// Keys open a plan file that is encrypted.
	Keys []*seal.Key
	// SecretKeys open one that is encrypted with a key.
	SecretKeys []*seal.SecretKey
	// Trusted demands a signature of one of these keys; nil demands none. It is checked
	// before anything of the plan is looked at.
	Trusted *signature.Keys
	// Now is when keys must be valid; the zero time is now.
	Now time.Time
}

// File is a plan file that was read.
type File struct {
	Plan      *plan.Plan
	Tool      string // the gantry that wrote it
	Digest    string // "sha256:…" of the canonical plan
	Encrypted bool
	// KeyIDs are of all signatures. Verified are those of trusted keys; it is empty where
	// none were given.
	KeyIDs   []string
	Verified []signature.Verified
}

// Read reads a plan.
func Read(r io.Reader, options ReadOptions) (*File, error) {
	return read(r, options, limits{maxBody, maxContent, maxEnvelope})
}

// ReadFile reads a plan file; see Read.
func ReadFile(path string, options ReadOptions) (*File, error) {
	data, err := Load(path)
	if err != nil {
		return nil, err
	}
	found, err := Read(bytes.NewReader(data), options)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return found, nil
}

// Load returns the bytes of a plan file, for who checks a signature beside it before
// reading it.
func Load(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading a plan: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("reading a plan: %w", err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: %w: its file has more than %d bytes", path, ErrTooLarge, maxFile)
	}
	return data, nil
}

// limits are sizes that reading stops at.
type limits struct{ body, content, envelope int64 }

func read(r io.Reader, options ReadOptions, most limits) (*File, error) {
	head, body, err := readFrame(r, most.body)
	if err != nil {
		return nil, err
	}
	out := &File{Tool: head.tool, Encrypted: head.content != contentPlain}
	if head.content == contentKeyed {
		if body, err = unlock(body, options.SecretKeys); err != nil {
			return nil, err
		}
	}
	text, err := open(body, head.content == contentEncrypted, options.Keys, most.envelope)
	if err != nil {
		return nil, err
	}
	payload, err := out.disclose(text, options)
	if err != nil {
		return nil, err
	}
	if int64(len(payload)) > most.content {
		return nil, fmt.Errorf("%w: it takes more than %d bytes", ErrTooLarge, most.content)
	}
	if out.Plan, out.Digest, err = parse(payload); err != nil {
		return nil, fmt.Errorf("made by gantry %s: %w", head.tool, err)
	}
	if err := Validate(out.Plan); err != nil {
		return nil, err
	}
	if out.Plan.ToolVersion != head.tool {
		return nil, invalid("its header says that gantry %s made it, and the plan says %s", head.tool, out.Plan.ToolVersion)
	}
	if options.Identity != nil {
		if out.Plan, err = Unseal(out.Plan, options.Identity); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// readFrame reads the header and the body, which are as they were written.
func readFrame(r io.Reader, most int64) (header, []byte, error) {
	buffered := bufio.NewReaderSize(r, maxLine)
	head, err := readHeader(buffered)
	if err != nil {
		return head, nil, err
	}
	if head.bytes > most {
		return head, nil, fmt.Errorf("%w: its file says that it has %d bytes", ErrTooLarge, head.bytes)
	}
	body, err := io.ReadAll(io.LimitReader(buffered, head.bytes+1))
	switch {
	case err != nil:
		return head, nil, fmt.Errorf("reading a plan: %w", err)
	case int64(len(body)) < head.bytes:
		return head, nil, fmt.Errorf("%w: %d of %d bytes are missing", ErrCutShort, head.bytes-int64(len(body)), head.bytes)
	case int64(len(body)) > head.bytes:
		return head, nil, fmt.Errorf("%w: there is something behind its end", ErrDamaged)
	case checksum(head.lines(), body) != head.checksum:
		return head, nil, fmt.Errorf("%w: its content does not match its checksum", ErrDamaged)
	}
	return head, body, nil
}

// open decrypts and expands a body.
func open(body []byte, encrypted bool, keys []*seal.Key, most int64) ([]byte, error) {
	var in io.Reader = bytes.NewReader(body)
	if encrypted {
		var err error
		in, err = seal.Decrypt(in, keys)
		if errors.Is(err, seal.ErrWrongIdentity) {
			return nil, ErrEncrypted
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	expand, err := gzip.NewReader(in)
	if err != nil {
		return nil, invalid("its body is no gzip: %w", err)
	}
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(expand, most+1))
	if err != nil {
		return nil, invalid("its body is no gzip: %w", err)
	}
	if n > most {
		return nil, fmt.Errorf("%w: it takes more than %d bytes", ErrTooLarge, most)
	}
	return out.Bytes(), nil
}

// disclose takes the payload out of an envelope, once its signature is as demanded.
func (f *File) disclose(text []byte, options ReadOptions) ([]byte, error) {
	var envelope dsse.Envelope
	if err := unmarshal(text, &envelope); err != nil {
		return nil, err
	}
	if envelope.PayloadType != PayloadType {
		return nil, invalid("its envelope holds %q, expected %s", envelope.PayloadType, PayloadType)
	}
	payload, err := base64.StdEncoding.DecodeString(envelope.Payload)
	if err != nil {
		return nil, invalid("the payload of its envelope is no base64")
	}
	for _, s := range envelope.Signatures {
		f.KeyIDs = append(f.KeyIDs, s.KeyID)
	}
	if options.Trusted == nil {
		return payload, nil
	}
	now := options.Now
	if now.IsZero() {
		now = time.Now()
	}
	if f.Verified, err = options.Trusted.Verify(&envelope, payload, now); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return payload, nil
}
