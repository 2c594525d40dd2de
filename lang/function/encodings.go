package function

import (
	"crypto/md5"  //nolint:gosec // people compare with what other tools print
	"crypto/sha1" //nolint:gosec // as above
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/gantrycd/gantry/lang/value"
)

// stringFunc is a function from a string to a string.
func stringFunc(description string, apply func(string) (string, error)) function.Function {
	return function.New(&function.Spec{
		Description: description,
		Params:      []function.Parameter{text("str")},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			out, err := apply(args[0].AsString())
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			return cty.StringVal(out), nil
		},
	})
}

var base64EncodeFunc = stringFunc("Encodes a string as base64.", func(s string) (string, error) {
	return toBase64([]byte(s)), nil
})

var base64DecodeFunc = stringFunc("Decodes base64 that holds text in UTF-8.", func(s string) (string, error) {
	decoded, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", errors.New("it is not base64")
	}
	if !utf8.Valid(decoded) {
		return "", errors.New("what it decodes to is not text in UTF-8")
	}
	return string(decoded), nil
})

var urlEncodeFunc = stringFunc("Escapes a string for use in a URL's query.", func(s string) (string, error) {
	return url.QueryEscape(s), nil
})

func toBase64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
func toHex(b []byte) string    { return hex.EncodeToString(b) }

func md5Sum(b []byte) []byte    { sum := md5.Sum(b); return sum[:] }  //nolint:gosec // as above
func sha1Sum(b []byte) []byte   { sum := sha1.Sum(b); return sum[:] } //nolint:gosec // as above
func sha256Sum(b []byte) []byte { sum := sha256.Sum256(b); return sum[:] }
func sha512Sum(b []byte) []byte { sum := sha512.Sum512(b); return sum[:] }

func hashFunc(what string, sum func([]byte) []byte, encode func([]byte) string) function.Function {
	return stringFunc("Returns a string's "+what+".", func(s string) (string, error) { return encode(sum([]byte(s))), nil })
}

// uuidV5Func is RFC 9562's version 5: a name's hash in a namespace.
var uuidV5Func = function.New(&function.Spec{
	Description: "Returns the name-based UUID (version 5) of a name in a namespace: \"dns\", \"url\", \"oid\", \"x500\" or a UUID.",
	Params:      []function.Parameter{text("namespace"), text("name")},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		known := map[string]string{
			"dns": "6ba7b8109dad11d180b400c04fd430c8", "url": "6ba7b8119dad11d180b400c04fd430c8",
			"oid": "6ba7b8129dad11d180b400c04fd430c8", "x500": "6ba7b8149dad11d180b400c04fd430c8",
		}
		digits, ok := known[args[0].AsString()]
		if !ok {
			s := args[0].AsString()
			if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
				return cty.NilVal, function.NewArgErrorf(0, "it is neither a UUID nor one of \"dns\", \"url\", \"oid\" and \"x500\"")
			}
			digits = s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
		}
		namespace, err := hex.DecodeString(digits)
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "it is not a UUID")
		}
		id := sha1Sum(append(namespace, args[1].AsString()...))[:16]
		id[6] = id[6]&0x0f | 0x50
		id[8] = id[8]&0x3f | 0x80
		return cty.StringVal(fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])), nil
	},
})

var timeCompareFunc = function.New(&function.Spec{
	Description: "Compares two times in the form of RFC 3339: -1, 0 or 1.",
	Params:      []function.Parameter{text("a"), text("b")},
	Type:        function.StaticReturnType(cty.Number),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		var times [2]time.Time
		for i := range times {
			var err error
			if times[i], err = time.Parse(time.RFC3339, args[i].AsString()); err != nil {
				return cty.NilVal, function.NewArgErrorf(i, "it is no time such as 2026-01-31T12:00:00Z")
			}
		}
		return cty.NumberIntVal(int64(times[0].Compare(times[1]))), nil
	},
})

// yamlFunc decodes YAML.
func yamlFunc(description string, pick func([]cty.Value) (cty.Value, error)) function.Function {
	return decodeFunc(description, func(text cty.Value) (cty.Value, error) {
		documents, err := value.FromYAML([]byte(text.AsString()))
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "it is not valid YAML: %s", err)
		}
		return pick(documents)
	})
}

// decodeFunc decodes a text; the type depends on the text, so that it is decoded for
// the type as well as for the value.
func decodeFunc(description string, decode func(cty.Value) (cty.Value, error)) function.Function {
	return function.New(&function.Spec{
		Description: description,
		Params:      []function.Parameter{text("str")},
		Type: func(args []cty.Value) (cty.Type, error) {
			if !args[0].IsKnown() {
				return cty.DynamicPseudoType, nil
			}
			v, err := decode(args[0])
			if err != nil {
				return cty.NilType, err
			}
			return v.Type(), nil
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) { return decode(args[0]) },
	})
}

var jsonDecodeFunc = decodeFunc("Decodes a JSON text. A key that is given twice is an error.", func(text cty.Value) (cty.Value, error) {
	v, err := value.FromJSON([]byte(text.AsString()))
	if err != nil {
		return cty.NilVal, function.NewArgErrorf(0, "it is not valid JSON: %s", err)
	}
	return v, nil
})

var yamlDecodeFunc = yamlFunc("Decodes the one document of a YAML text.", func(documents []cty.Value) (cty.Value, error) {
	switch len(documents) {
	case 0:
		return cty.NullVal(cty.DynamicPseudoType), nil
	case 1:
		return documents[0], nil
	}
	return cty.NilVal, function.NewArgErrorf(0, "it holds %d documents; yamldecode_all reads them all", len(documents))
})

var yamlDecodeAllFunc = yamlFunc("Decodes all documents of a YAML text to a list; empty ones are left out.", func(documents []cty.Value) (cty.Value, error) {
	return cty.TupleVal(documents), nil
})

var yamlEncodeFunc = function.New(&function.Spec{
	Description: "Encodes a value as YAML; keys are sorted, numbers keep their digits.",
	Params:      []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowDynamicType: true}},
	Type:        function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		if !args[0].IsWhollyKnown() {
			return cty.UnknownVal(cty.String).RefineNotNull(), nil
		}
		out, err := value.ToYAML(args[0])
		if err != nil {
			return cty.NilVal, function.NewArgError(0, err)
		}
		return cty.StringVal(string(out)), nil
	},
})
