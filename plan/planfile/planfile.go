// Package planfile writes and reads saved plans.
//
// A plan file is a few lines of text and a body:
//
//	gantry-plan 2        the format's version
//	tool 0.3.0           of the gantry that wrote it
//	content gzip         or "gzip age", "gzip aes-256-gcm": encrypted, too
//	length 12345         of the body, in bytes
//	sha256 <hex>         over the lines above and the body
//
//	<body>
//
// The body is a DSSE envelope, compressed and maybe encrypted. Its payload is the plan
// as canonical JSON, with its id and times and what is sealed beside it; see
// docs/plan-format.md, which promises what stays.
//
// What a reader of the file must not learn is sealed: the bodies of Secrets and
// the credentials of clusters. The checksum tells damage, not forgery: whoever can
// write a plan file decides what apply does, unless a signature is demanded.
package planfile

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/signature"
)

// Version is the format that this package writes, and the only one it reads.
const Version = 2

const magic = "gantry-plan "

// WriteOptions are what a plan file has beyond its plan.
type WriteOptions struct {
	// Recipient is whom secrets are sealed to. Without secrets in memory it may be nil;
	// otherwise that is ErrNoRecipient. What the plan holds sealed already stays as it is.
	Recipient *seal.Recipient
	// Signers sign the plan.
	Signers []*signature.Signer
	// EncryptTo is who can read the file at all; empty is everyone.
	EncryptTo []*seal.Addressee
	// Key encrypts the file where EncryptTo is empty; nil does not.
	Key *seal.SecretKey
}

// Write writes a plan.
func Write(w io.Writer, p *plan.Plan, options WriteOptions) error {
	if err := writePlan(w, p, options); err != nil {
		return fmt.Errorf("writing a plan: %w", err)
	}
	return nil
}

func writePlan(w io.Writer, p *plan.Plan, options WriteOptions) error {
	if err := Validate(p); err != nil {
		return fmt.Errorf("%w. This is a bug in gantry", err)
	}
	if strings.ContainsFunc(p.ToolVersion, unicode.IsControl) {
		return fmt.Errorf("the tool's version %q holds control characters", p.ToolVersion)
	}
	closed, err := sealPlan(p, options.Recipient)
	if err != nil {
		return err
	}
	payload, _, err := compose(closed)
	if err != nil {
		return err
	}
	if len(payload) > maxContent {
		return fmt.Errorf("%w: it takes %d bytes", ErrTooLarge, len(payload))
	}
	body, err := enclose(payload, options)
	if err != nil {
		return err
	}
	head := header{tool: p.ToolVersion, content: contentOf(options), bytes: int64(len(body))}
	_, err = fmt.Fprintf(w, "%ssha256 %s\n\n", head.lines(), checksum(head.lines(), body))
	if err != nil {
		return err
	}
	_, err = w.Write(body)
	return err
}

// Canonical returns the plan's canonical payload and its digest: what two runs on the
// same inputs have in common. Secrets that are open are left out of it, as they are of
// a file's.
func Canonical(p *plan.Plan) (text []byte, digest string, err error) {
	closed := *p
	closed.Clusters = append([]plan.Cluster{}, p.Clusters...)
	for i := range closed.Clusters {
		if c := &closed.Clusters[i]; !c.Credentials.IsZero() {
			c.Sealed = mark()
		}
	}
	closed.Applications = append([]plan.Application{}, p.Applications...)
	for i := range closed.Applications {
		a := &closed.Applications[i]
		a.Changes = append([]plan.Change{}, a.Changes...)
		for j := range a.Changes {
			if c := &a.Changes[j]; c.Secret != nil {
				c.Sealed = mark()
			}
		}
	}
	rest, _ := takeSealed(&closed)
	text, err = canonical(stable{Plan: rest})
	if err != nil {
		return nil, "", err
	}
	return text, digestOf(text), nil
}

// enclose puts a payload into an envelope, signs, compresses and encrypts it.
func enclose(payload []byte, options WriteOptions) ([]byte, error) {
	envelope := &dsse.Envelope{PayloadType: PayloadType, Payload: base64.StdEncoding.EncodeToString(payload), Signatures: []dsse.Signature{}}
	if err := signature.Sign(envelope, payload, options.Signers); err != nil {
		return nil, err
	}
	text, err := json.Marshal(envelope)
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	var out io.WriteCloser = unclosed{&body}
	if len(options.EncryptTo) > 0 {
		if out, err = seal.Encrypt(&body, options.EncryptTo); err != nil {
			return nil, err
		}
	}
	compress, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if _, err := compress.Write(text); err != nil {
		return nil, err
	}
	if err := compress.Close(); err != nil {
		return nil, err
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	if len(options.EncryptTo) == 0 && options.Key != nil {
		return lock(body.Bytes(), options.Key)
	}
	return body.Bytes(), nil
}

// unclosed is a writer that needs no closing.
type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }

// WriteFile writes a plan file for its owner alone. A file that is there is
// replaced by the whole new one, or left as it is.
func WriteFile(path string, p *plan.Plan, options WriteOptions) (err error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("writing a plan: %s is a directory, expected the name of a file", path)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".gantryplan-*")
	if err != nil {
		return fmt.Errorf("writing a plan: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	if err := Write(file, p, options); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := file.Sync(); err != nil {
		return errors.Join(fmt.Errorf("writing a plan: %w", err), file.Close())
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("writing a plan: %w", err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("writing a plan: %w", err)
	}
	return nil
}

func checksum(header string, body []byte) string {
	sum := sha256.New()
	_, _ = io.WriteString(sum, header) // a hash never fails
	_, _ = sum.Write(body)
	return hex.EncodeToString(sum.Sum(nil))
}
