package state

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/gantrycd/gantry/lang/addr"
)

// MaxKey is how long a key may be, in bytes.
const MaxKey = 1024

// ErrBadKey means that a key is not of the form that Store asks for.
var ErrBadKey = errors.New("not a key of the state")

// CheckKey reports whether a key is of the form that every Store takes:
// slash-separated segments of letters, digits, '-', '_', '.' and '%', none of
// them empty, "." or "..", at most MaxKey bytes in all. Errors are ErrBadKey.
func CheckKey(key string) error {
	if len(key) > MaxKey {
		return fmt.Errorf("%w: %q… is longer than %d bytes", ErrBadKey, key[:64], MaxKey)
	}
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return fmt.Errorf("%w: %q has a segment %q", ErrBadKey, key, segment)
		}
		for i := range len(segment) {
			if !plain(segment[i]) && segment[i] != '%' {
				return fmt.Errorf("%w: %q holds the character %q", ErrBadKey, key, segment[i])
			}
		}
	}
	return nil
}

// CheckPrefix reports whether a prefix may be listed: it is empty, for every
// key, or has the form of a key.
func CheckPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	return CheckKey(prefix)
}

// EscapeSegment makes one segment of a key out of any text that is not empty:
// bytes that a key may not have become %xx. url.PathUnescape reverses it.
func EscapeSegment(text string) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if plain(c) && (i > 0 || c != '.') {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

// RecordKey returns the key of an application's record.
func RecordKey(address addr.Address) string {
	return recordPrefix + "/" + EscapeSegment(address.String())
}

// ParseRecordKey returns the address whose RecordKey a key is.
func ParseRecordKey(key string) (addr.Address, error) {
	segment, ok := strings.CutPrefix(key, recordPrefix+"/")
	if !ok {
		return addr.Address{}, fmt.Errorf("%w of a record: %q", ErrBadKey, key)
	}
	text, err := url.PathUnescape(segment)
	if err != nil {
		return addr.Address{}, fmt.Errorf("%w of a record: %q: %w", ErrBadKey, key, err)
	}
	address, err := addr.Parse(text)
	if err != nil {
		return addr.Address{}, fmt.Errorf("%w of a record: %q: %w", ErrBadKey, key, err)
	}
	if RecordKey(address) != key {
		return addr.Address{}, fmt.Errorf("%w of a record: %q: %s has the key %q", ErrBadKey, key, address, RecordKey(address))
	}
	return address, nil
}

// parseAddressKey returns the address that a key below a prefix is about; what says of
// what, for errors.
func parseAddressKey(prefix, what, key string) (addr.Address, error) {
	segment, _ := strings.CutPrefix(key, prefix+"/")
	text, err := url.PathUnescape(segment)
	if err != nil {
		return addr.Address{}, fmt.Errorf("%w of a %s: %w", ErrBadKey, what, err)
	}
	address, err := addr.Parse(text)
	if err != nil {
		return addr.Address{}, fmt.Errorf("%w of a %s: %w", ErrBadKey, what, err)
	}
	if made := prefix + "/" + EscapeSegment(address.String()); made != key {
		return addr.Address{}, fmt.Errorf("%w of a %s: %s has the key %q", ErrBadKey, what, address, made)
	}
	return address, nil
}

const recordPrefix = "applications"

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
}
