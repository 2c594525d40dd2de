package kubernetes

import (
	"reflect"
	"strings"
	"testing"

	reference "k8s.io/apimachinery/pkg/util/json"
)

// equalToReference compares decodeJSON with what the rest of Kubernetes decodes
// with.
func equalToReference(t *testing.T, document []byte) {
	t.Helper()
	var want any
	wantErr := reference.Unmarshal(document, &want)
	got, err := decodeJSON(document)
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("%.200q: error %v, want %v", document, err, wantErr)
	}
	if err == nil && !reflect.DeepEqual(want, got) {
		t.Fatalf("%.200q: read %.500v, want %.500v", document, got, want)
	}
}

var jsonCases = []string{
	``, ` `, `null`, `true`, `false`, `nul`, `nullx`, `truefalse`, `tru`,
	`0`, `-0`, `00`, `01`, `-`, `-a`, `1`, `123`, `-7`, `1.`, `1.5`, `.5`, `1e3`, `1E+3`, `1e`, `1e-2`, `+1`,
	`9223372036854775807`, `9223372036854775808`, `-9223372036854775808`, `-9223372036854775809`, `1e999`, `0.0`, `1.0`,
	`"a"`, `"`, `"a`, `"\"`, `"\n\t\r\b\f\/\\\""`, `"\x"`, `"\u00e9"`, `"\u00E9x"`, `"\u12"`, `"\uzzzz"`, `"\u+123"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ud83dx"`, `"\ud83d\u0041"`, `"\ud83d\ud83d\ude00"`, `"\ude00\ud83d"`, `"\ud83d\uzzzz"`, `"\ud83d\u1`,
	`"é😀"`, "\"\xff\"", "\"a\xc3\"", "\"\xed\xa0\x80\"", "\"a\x01\"", "\"a\nb\"", "\"\x7f\"", "\"é\x01\"",
	`[]`, `[ ]`, `[1]`, `[1,]`, `[,1]`, `[1 2]`, `[1, 2 , "a",null,[[]],{}]`, `[`, `[1`, `[1,`, `]`,
	`{}`, `{ }`, `{"a":1}`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{"a" : [ { } ] , "b":{"c":"d"}}`, `{"a":1,"a":2}`, `{a:1}`, `{"a":1 "b":2}`, `{`, `{"a`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `}`, `{1:2}`, `{"":""}`, `{"é":"é","\u00e9":"x"}`,
	`{"a":1}{`, `{"a":1} x`, "\ufeff{}", "\t\n\r {\"a\" :\t1\n}\r ", "\v1", "// c\n1",
}

func TestJSONIsReadAsKubernetesReadsIt(t *testing.T) {
	for _, text := range jsonCases {
		equalToReference(t, []byte(text))
	}
	equalToReference(t, bigList(t, 20))
	equalToReference(t, []byte(`["`+strings.Repeat("long ", 100)+`","`+strings.Repeat("é", 100)+`"]`))
}

func TestJSONOfAnyDepthIsSafe(t *testing.T) {
	for _, open := range []string{"[", `{"a":`} {
		equalToReference(t, []byte(strings.Repeat(open, 5_000_000)))
		if _, err := decodeJSON([]byte(strings.Repeat(open, maxDepth+1))); err == nil || !strings.Contains(err.Error(), "depth") {
			t.Errorf("error %v, want one of the depth", err)
		}
	}
	equalToReference(t, []byte(strings.Repeat("[", maxDepth)+strings.Repeat("]", maxDepth)))
}

func TestManyDifferentStrings(t *testing.T) {
	var text strings.Builder
	text.WriteString(`[`)
	for i := range 3 * maxSharedValues {
		if i > 0 {
			text.WriteByte(',')
		}
		text.WriteString(`"` + strings.Repeat("x", i%50) + string(rune('a'+i%26)) + `"`)
	}
	text.WriteString(`]`)
	equalToReference(t, []byte(text.String()))
}

func FuzzJSON(f *testing.F) {
	for _, text := range jsonCases {
		f.Add([]byte(text))
	}
	f.Add(bigList(f, 1))
	f.Fuzz(func(t *testing.T, document []byte) { equalToReference(t, document) })
}
