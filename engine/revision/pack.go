package revision

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
	"strings"

	kjson "sigs.k8s.io/json"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

// A pack is a line of text, and behind it two sections, each compressed with gzip: the
// header, and the bodies. The line has the form, how many bytes each section takes, and the
// SHA-256 of both.

// formatVersion is the form of a pack.
const formatVersion = 1

const magic = "gantry-revision "

// maxSection is how many bytes a section may expand to.
const maxSection = 1 << 30

// header is what a pack says of its revision: all but the bodies.
type header struct {
	Lineage string       `json:"lineage"`
	Address addr.Address `json:"address"` // when it was written
	ID      int64        `json:"id"`      // of the entry in the history
	// Application is as it was applied, without its changes.
	Application plan.Application `json:"application"`
	Objects     []entry          `json:"objects"`
	// Packs are the keys of those that bodies are in; the first is this one's own.
	Packs []string `json:"packs"`
	// Bodies are those that are in any of them, also where the revision itself has no use
	// for it any more.
	Bodies []place `json:"bodies"`
	// Kept are the revisions that there are beside this one, with what they need.
	Kept []kept `json:"kept,omitempty"`
}

// entry is one object of the revision.
type entry struct {
	Change plan.Change `json:"change"` // without what is in the body
	// Body is which of the header's Bodies it has, counted from 1; 0 where it is not known.
	Body int `json:"body,omitempty"`
}

// place is where a body is.
type place struct {
	Digest string `json:"digest"`
	Pack   int    `json:"pack"` // index in Packs
}

// kept is a revision that needs some packs.
type kept struct {
	ID    int64 `json:"id"`
	Packs []int `json:"packs"` // indices in Packs
}

// body is how an object was applied.
type body struct {
	Version     string        `json:"version,omitempty"`
	Object      object.Object `json:"object"`
	Redacted    []string      `json:"redacted,omitempty"`
	Method      plan.Method   `json:"method,omitempty"`
	Force       bool          `json:"force,omitempty"`
	Unvalidated bool          `json:"unvalidated,omitempty"`
	// Sealed is the real object, where Object is redacted, sealed for an application that
	// had the address SealedFor. It is no part of the digest: sealed twice it is other bytes.
	Sealed    []byte       `json:"sealed,omitempty"`
	SealedFor addr.Address `json:"sealedFor,omitzero"`
}

func bodyOf(c *plan.Change, address addr.Address) *body {
	out := &body{Version: c.Version, Object: c.Body, Redacted: c.Redacted, Method: c.Method, Force: c.Force, Unvalidated: c.Unvalidated, Sealed: c.Sealed}
	if len(c.Sealed) > 0 {
		out.SealedFor = address
	}
	return out
}

// digest tells bodies apart: equal ones have the same. A Secret's values are in it as
// fingerprints, and in the digest of what was desired.
func (b *body) digest(desired string) (string, error) {
	open := *b
	open.Sealed, open.SealedFor = nil, addr.Address{}
	text, err := json.Marshal(struct {
		*body
		Desired string `json:"desired"`
	}{&open, desired})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:16]), nil
}

func (b *body) into(c *plan.Change) {
	c.Version, c.Body, c.Redacted, c.Method, c.Force, c.Unvalidated, c.Sealed = b.Version, b.Object, b.Redacted, b.Method, b.Force, b.Unvalidated, b.Sealed
}

// encode writes a pack.
func encode(h *header, bodies map[string]*body) ([]byte, error) {
	head, err := compress(h)
	if err != nil {
		return nil, err
	}
	tail, err := compress(bodies)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	_, _ = sum.Write(head) // a hash never fails
	_, _ = sum.Write(tail)
	line := fmt.Sprintf("%s%d %d %d %s\n", magic, formatVersion, len(head), len(tail), hex.EncodeToString(sum.Sum(nil)))
	return append(append([]byte(line), head...), tail...), nil
}

// pack is one that was read, its bodies not yet.
type pack struct {
	*header
	key  string
	tail []byte
}

// decode reads a pack, the bodies of which are read by pack.bodies.
func decode(key string, value []byte) (*pack, error) {
	broken := func(why string) error { return &state.BrokenError{Key: key, Reason: why} }
	line, rest, found := bytes.Cut(value, []byte("\n"))
	text, isPack := strings.CutPrefix(string(line), magic)
	if !found || !isPack {
		return nil, broken("it is no pack of a revision")
	}
	var version, head, tail int
	var sum string
	if _, err := fmt.Sscanf(text, "%d", &version); err == nil && version > formatVersion {
		return nil, fmt.Errorf("%w: %s has form %d, and this one reads %d; use the newer gantry", state.ErrNewer, key, version, formatVersion)
	}
	if _, err := fmt.Sscanf(text, "%d %d %d %s", &version, &head, &tail, &sum); err != nil || version != formatVersion || head < 0 || tail < 0 {
		return nil, broken("its first line cannot be read")
	}
	if head > len(rest) || tail != len(rest)-head {
		return nil, broken("it is cut short, or there is something behind its end")
	}
	if have := sha256.Sum256(rest); hex.EncodeToString(have[:]) != sum {
		return nil, broken("its content does not match its checksum")
	}
	out := &pack{header: &header{}, key: key, tail: rest[head:]}
	if err := expand(rest[:head], out.header); err != nil {
		return nil, broken(err.Error())
	}
	if err := out.check(); err != nil {
		return nil, broken(err.Error())
	}
	return out, nil
}

// check holds a header to what its type promises.
func (h *header) check() error {
	if len(h.Packs) == 0 {
		return errors.New("it names no packs")
	}
	for _, o := range h.Objects {
		if o.Body < 0 || o.Body > len(h.Bodies) {
			return fmt.Errorf("the body of %s is none that it has", o.Change.ID)
		}
	}
	for _, b := range h.Bodies {
		if b.Pack < 0 || b.Pack >= len(h.Packs) {
			return errors.New("a body is in no pack that it names")
		}
	}
	for _, k := range h.Kept {
		for _, at := range k.Packs {
			if at < 0 || at >= len(h.Packs) {
				return errors.New("a revision needs a pack that it does not name")
			}
		}
	}
	return nil
}

// needs lists the packs that the revision's objects are in, its own among them.
func (h *header) needs() []string {
	needed := make([]bool, len(h.Packs))
	needed[0] = true
	for _, o := range h.Objects {
		if o.Body > 0 {
			needed[h.Bodies[o.Body-1].Pack] = true
		}
	}
	var out []string
	for i, key := range h.Packs {
		if needed[i] {
			out = append(out, key)
		}
	}
	return out
}

// bodies reads the bodies that are in the pack itself.
func (p *pack) bodies() (map[string]*body, error) {
	out := map[string]*body{}
	if err := expand(p.tail, &out); err != nil {
		return nil, &state.BrokenError{Key: p.key, Reason: err.Error()}
	}
	return out, nil
}

func compress(value any) ([]byte, error) {
	var out bytes.Buffer
	writer, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if err := json.NewEncoder(writer).Encode(value); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func expand(section []byte, into any) error {
	reader, err := gzip.NewReader(bytes.NewReader(section))
	if err != nil {
		return errors.New("it is not compressed as it should be")
	}
	text, err := io.ReadAll(io.LimitReader(reader, maxSection+1))
	if err != nil || len(text) > maxSection {
		return errors.New("it does not expand as it should")
	}
	strict, err := kjson.UnmarshalStrict(text, into)
	if err := errors.Join(append(strict, err)...); err != nil {
		return fmt.Errorf("it is not valid JSON of its kind: %w", err)
	}
	return nil
}
