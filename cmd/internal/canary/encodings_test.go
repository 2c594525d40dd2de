package canary

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"

	"sigs.k8s.io/yaml"
)

// encoding is a way in which a secret may be written, and still be read by whoever
// finds it.
type encoding struct {
	name string
	// forms are texts of which any gives the secret away.
	forms func(secret string) []string
}

func one(encode func(string) string) func(string) []string {
	return func(secret string) []string { return []string{encode(secret)} }
}

// encodings are all of them.
func encodings() []encoding {
	return []encoding{
		{"plain", one(func(s string) string { return s })},
		{"base64", func(s string) []string { return anywhere(base64.StdEncoding, s) }},
		{"base64 of URLs", func(s string) []string { return anywhere(base64.URLEncoding, s) }},
		{"hexadecimal", func(s string) []string {
			return []string{hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s)))}
		}},
		{"escaped for URLs", func(s string) []string { return []string{url.QueryEscape(s), url.PathEscape(s)} }},
		{"escaped for JSON", one(escaped)},
		{"JSON in JSON", one(func(s string) string { return escaped(escaped(s)) })},
		{"base64 of JSON", func(s string) []string { return anywhere(base64.StdEncoding, escaped(s)) }},
		{"quoted for YAML", one(func(s string) string {
			out, _ := yaml.Marshal(s) // a string always can be
			return strings.TrimSpace(string(out))
		})},
		{"escaped for HTML", one(html.EscapeString)},
		{"UTF-16", one(func(s string) string {
			var out []byte
			for _, unit := range utf16.Encode([]rune(s)) {
				out = binary.LittleEndian.AppendUint16(out, unit)
			}
			return string(out)
		})},
		{"reversed", one(func(s string) string {
			runes := []rune(s)
			slices.Reverse(runes)
			return string(runes)
		})},
		{"base64 of gzip", func(s string) []string { return []string{zipped(s)} }},
	}
}

// escaped is a text within a JSON string.
func escaped(s string) string {
	out, _ := json.Marshal(s) // a string always can be
	return string(out[1 : len(out)-1])
}

// anywhere is what base64 makes of a secret wherever in a longer text it stands: the
// characters that do not depend on what is around it.
func anywhere(in *base64.Encoding, s string) []string {
	var out []string
	for lead := range 3 {
		text := in.EncodeToString([]byte(strings.Repeat("x", lead) + s))
		first := (lead*8 + 5) / 6
		last := (lead + len(s)) * 8 / 6
		out = append(out, text[first:last])
	}
	return out
}

// zipped is what tools put into annotations that would be too long.
func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s)) // a buffer never fails
	_ = w.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}
