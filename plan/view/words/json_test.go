package words

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestEscapeJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := map[string]string{rapid.String().Draw(t, "key"): rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune{0x1b, 0x7f, 0x9b, 0x202e, 0x2066, 0x200b, 0xfeff, 0xe0041, 0x1f680, '\n', '\t', '"', '\\'}))).Draw(t, "value")}
		var out bytes.Buffer
		encoder := json.NewEncoder(EscapeJSON(&out))
		encoder.SetIndent("", "\t")
		if err := encoder.Encode(want); err != nil {
			t.Fatal(err)
		}
		for _, r := range out.String() {
			if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
				t.Errorf("%U in %q", r, out.String())
			}
		}
		var got map[string]string
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		for key, value := range want {
			if got[key] != value {
				t.Errorf("%q became %q", value, got[key])
			}
		}
	})
}
