package sops

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// comment is an encrypted comment where a value would be, as sops writes them into lists.
type comment string

// opener opens the values of one file.
type opener struct{ block cipher.Block }

var sealed = regexp.MustCompile(`^ENC\[AES256_GCM,data:([^,]*),iv:([^,]+),tag:([^,]+),type:([a-z]+)\]$`)

// value opens a value. What keys lead to it is a part of what is authenticated, so that
// values cannot change places.
func (o *opener) value(text string, path []string) (any, error) {
	if text == "" {
		return "", nil
	}
	return o.open(text, strings.Join(path, ":")+":")
}

func (o *opener) open(text, additional string) (any, error) {
	parts := sealed.FindStringSubmatch(text)
	if parts == nil {
		return nil, fmt.Errorf("it is to be encrypted, and is not: %w", ErrTampered)
	}
	var raw [3][]byte
	for i := range raw {
		var err error
		if raw[i], err = base64.StdEncoding.DecodeString(parts[i+1]); err != nil {
			return nil, errors.New("an encrypted value is no base64")
		}
	}
	if len(raw[1]) == 0 || len(raw[2]) != 16 {
		return nil, errors.New("an encrypted value is cut off")
	}
	aead, err := cipher.NewGCMWithNonceSize(o.block, len(raw[1]))
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, raw[1], append(raw[0], raw[2]...), []byte(additional))
	if err != nil {
		return nil, fmt.Errorf("a value cannot be decrypted: %w", ErrTampered)
	}
	return typed(string(plain), parts[4])
}

// typed is a value of the type that sops noted.
func typed(text, kind string) (any, error) {
	var out any = text
	var err error
	switch kind {
	case "str", "bytes":
	case "int":
		out, err = strconv.Atoi(text)
	case "float":
		out, err = strconv.ParseFloat(text, 64)
	case "bool":
		out, err = strconv.ParseBool(text)
	case "time":
		var at time.Time
		err = at.UnmarshalText([]byte(text))
		out = at
	case "comment":
		out = comment(text)
	default:
		return nil, fmt.Errorf("an encrypted value has the type %q, which is not known", kind)
	}
	if err != nil {
		return nil, fmt.Errorf("an encrypted value is not of its type, %s", kind)
	}
	return out, nil
}

// mac authenticates a file as a whole: its values in their order, in the clear.
type mac struct {
	hash hash.Hash
	err  error
}

func newMAC(m *metadata) *mac {
	out := &mac{hash: sha512.New()}
	if m.MACOnlyEncrypted { // so that no file passes for one of the other kind
		out.hash.Write([]byte{
			0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b,
			0x0b, 0x97, 0x5b, 0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
		})
	}
	return out
}

func (m *mac) add(value any) {
	switch v := value.(type) {
	case nil:
	case string:
		m.hash.Write([]byte(v))
	case int:
		m.hash.Write([]byte(strconv.Itoa(v)))
	case float64:
		m.hash.Write([]byte(strconv.FormatFloat(v, 'f', -1, 64)))
	case bool:
		text := "False"
		if v {
			text = "True"
		}
		m.hash.Write([]byte(text))
	case time.Time:
		text, err := v.MarshalText()
		m.err = errors.Join(m.err, err)
		m.hash.Write(text)
	default:
		m.err = fmt.Errorf("it has a value of the type %T, which SOPS does not write", value)
	}
}

// verify makes sure that a file is what was encrypted.
func (o *opener) verify(found *mac, m *metadata) error {
	if found.err != nil {
		return found.err
	}
	noted, err := o.open(m.MAC, m.LastModified)
	if err != nil {
		return ErrTampered
	}
	text, ok := noted.(string)
	if !ok || subtle.ConstantTimeCompare([]byte(text), fmt.Appendf(nil, "%X", found.hash.Sum(nil))) != 1 {
		return ErrTampered
	}
	return nil
}

func newOpener(key []byte) (*opener, error) {
	if len(key) != 32 {
		return nil, errors.New("its own key has not 32 bytes")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return &opener{block}, nil
}
