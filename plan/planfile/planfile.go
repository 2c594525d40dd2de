// Package planfile writes and reads saved plans.
//
// A plan file is a few lines of text and a compressed body:
//
//	gantry-plan 1        the format's version
//	tool 0.3.0           of the gantry that wrote it
//	length 12345         of the body, in bytes
//	sha256 <hex>         over the lines above and the body
//
//	<the plan as JSON, gzip>
//
// What a reader of the file must not learn is sealed: the bodies of Secrets and
// the credentials of clusters. One plan written twice gives the same bytes but for
// these, since sealing is different every time. The checksum tells damage, not
// forgery: whoever can write a plan file decides what apply does, so keep it where
// only those can write who may.
package planfile

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/seal"
)

// Version is the format that this package writes, and the only one it reads.
const Version = 1

const magic = "gantry-plan "

// Write writes a plan, with its secrets sealed to a recipient. Without secrets
// in memory the recipient may be nil; otherwise that is ErrNoRecipient. What the
// plan holds sealed already stays as it is.
func Write(w io.Writer, p *plan.Plan, recipient *seal.Recipient) error {
	if err := Validate(p); err != nil {
		return fmt.Errorf("writing a plan: %w. This is a bug in gantry", err)
	}
	if strings.ContainsFunc(p.ToolVersion, unicode.IsControl) {
		return fmt.Errorf("writing a plan: the tool's version %q holds control characters", p.ToolVersion)
	}
	sealed, err := sealPlan(p, recipient)
	if err != nil {
		return fmt.Errorf("writing a plan: %w", err)
	}
	text, err := json.Marshal(sealed)
	if err != nil {
		return fmt.Errorf("writing a plan: %w", err)
	}
	if len(text) > maxContent {
		return fmt.Errorf("writing a plan: %w: it takes %d bytes", ErrTooLarge, len(text))
	}
	var body bytes.Buffer
	compress, err := gzip.NewWriterLevel(&body, gzip.BestSpeed)
	if err != nil {
		return fmt.Errorf("writing a plan: %w", err)
	}
	if _, err := compress.Write(text); err != nil {
		return fmt.Errorf("writing a plan: %w", err)
	}
	if err := compress.Close(); err != nil {
		return fmt.Errorf("writing a plan: %w", err)
	}
	header := fmt.Sprintf("%s%d\ntool %s\nlength %d\n", magic, Version, p.ToolVersion, body.Len())
	header += fmt.Sprintf("sha256 %s\n\n", checksum(header, body.Bytes()))
	if _, err := io.WriteString(w, header); err != nil {
		return fmt.Errorf("writing a plan: %w", err)
	}
	if _, err := w.Write(body.Bytes()); err != nil {
		return fmt.Errorf("writing a plan: %w", err)
	}
	return nil
}

// WriteFile writes a plan file for its owner alone. A file that is there is
// replaced by the whole new one, or left as it is.
func WriteFile(path string, p *plan.Plan, recipient *seal.Recipient) (err error) {
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
	if err := Write(file, p, recipient); err != nil {
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
