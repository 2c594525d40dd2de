package s3

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/state"
)

// An object is a line and, behind it, a value. The line has the form, a nonce that no
// two writes have in common, the SHA-256 of the value, and the key. An object without a
// value is what is left of a key that was deleted; it is shorter than any other, so that
// a listing tells it.
const (
	valueForm   = "gantry-state-1"
	deletedForm = "gantry-none-1"
	nonceSize   = 16
)

// deletedSize is the size of the object of a deleted key.
const deletedSize = len(deletedForm) + 1 + 2*nonceSize + 1

// content is what an object holds.
type content struct {
	nonce   string
	deleted bool
	key     string
	value   []byte
}

// newNonce returns what makes a write different from all others.
func newNonce() string {
	var nonce [nonceSize]byte
	_, _ = rand.Read(nonce[:]) // which never fails
	return hex.EncodeToString(nonce[:])
}

func (c content) encode() []byte {
	if c.deleted {
		return []byte(deletedForm + " " + c.nonce + "\n")
	}
	sum := sha256.Sum256(c.value)
	line := valueForm + " " + c.nonce + " " + hex.EncodeToString(sum[:]) + " " + c.key + "\n"
	return append([]byte(line), c.value...)
}

// decode reads an object of a key, or of one that is not known where it is "".
func decode(key string, data []byte) (content, error) {
	broken := func(reason string) (content, error) {
		if key == "" {
			key = "(unknown)"
		}
		return content{}, &state.BrokenError{Key: key, Reason: reason}
	}
	line, value, ok := bytes.Cut(data, []byte("\n"))
	fields := strings.Split(string(line), " ")
	switch {
	case ok && len(fields) == 2 && fields[0] == deletedForm && len(value) == 0:
		return content{nonce: fields[1], deleted: true, key: key}, nil
	case !ok || len(fields) != 4 || fields[0] != valueForm:
		return broken("its object is none that gantry wrote")
	case key != "" && fields[3] != key:
		return broken(fmt.Sprintf("its object is that of the key %q", fields[3]))
	}
	if sum := sha256.Sum256(value); hex.EncodeToString(sum[:]) != fields[2] {
		return broken("its object is not as it was written: its checksum differs")
	}
	return content{nonce: fields[1], key: fields[3], value: value}, nil
}
