package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/gantrycd/gantry/state"
)

// A key's object has the key as its name, with what servers that keep objects as
// files cannot tell apart or take written differently: '%' as '!', and '~' behind
// the last segment, since a key may be the prefix of others. Where a segment, or all
// of it, is longer than they take, the rest of the name is a hash of the key, which the
// object itself then tells. No key has a '!' or a '~'.
const (
	leaf       = "~"
	hashed     = "~~"
	maxSegment = 200
	maxName    = 700
)

// name returns the name of a key's object, below the store's prefix. It is exact where
// the key can be told from it.
func name(key string) (name string, exact bool) {
	segments := strings.Split(key, "/")
	kept := fitting(segments)
	if kept == len(segments) {
		return escape(key) + leaf, true
	}
	sum := sha256.Sum256([]byte(key))
	return within(segments[:kept]) + hex.EncodeToString(sum[:]) + hashed, false
}

// folder returns what the names of the objects below a prefix begin with, and whether
// all that begins with it is below the prefix.
func folder(prefix string) (folder string, exact bool) {
	if prefix == "" {
		return "", true
	}
	segments := strings.Split(prefix, "/")
	kept := fitting(segments)
	return within(segments[:kept]), kept == len(segments)
}

// keyOf returns the key of an object's name, where the name tells it.
func keyOf(found string) (key string, ok bool) {
	key, ok = strings.CutSuffix(found, leaf)
	key = strings.ReplaceAll(key, "!", "%")
	if !ok || state.CheckKey(key) != nil {
		return "", false
	}
	again, exact := name(key)
	return key, exact && again == found
}

// fitting is how many of the segments the name of an object can begin with.
func fitting(segments []string) int {
	length := 0
	for i, segment := range segments {
		length += len(segment) + 1
		if len(segment) > maxSegment || length > maxName {
			return i
		}
	}
	return len(segments)
}

func within(segments []string) string {
	if len(segments) == 0 {
		return ""
	}
	return escape(strings.Join(segments, "/")) + "/"
}

func escape(key string) string { return strings.ReplaceAll(key, "%", "!") }
