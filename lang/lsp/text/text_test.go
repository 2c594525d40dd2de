package text

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

func TestPositions(t *testing.T) {
	const source = "a\r\nb😀ä\rc\n\n😀"
	lines := Index([]byte(source))
	for _, test := range []struct {
		offset      int
		utf16, utf8 Position
	}{
		{0, Position{0, 0}, Position{0, 0}},
		{1, Position{0, 1}, Position{0, 1}},
		{3, Position{1, 0}, Position{1, 0}},
		{4, Position{1, 1}, Position{1, 1}},
		{8, Position{1, 3}, Position{1, 5}},
		{10, Position{1, 4}, Position{1, 7}},
		{11, Position{2, 0}, Position{2, 0}},
		{13, Position{3, 0}, Position{3, 0}},
		{14, Position{4, 0}, Position{4, 0}},
		{18, Position{4, 2}, Position{4, 4}},
	} {
		for encoding, want := range map[Encoding]Position{UTF16: test.utf16, UTF8: test.utf8} {
			if got := lines.Position(test.offset, encoding); got != want {
				t.Errorf("%s: offset %d is at %v, expected %v", encoding, test.offset, got, want)
			}
			if got := lines.Offset(want, encoding); got != test.offset {
				t.Errorf("%s: %v is offset %d, expected %d", encoding, want, got, test.offset)
			}
		}
	}
}

func TestPositionsOutOfTheText(t *testing.T) {
	lines := Index([]byte("ab\r\n😀\n"))
	for _, test := range []struct {
		at   Position
		want int
	}{
		{Position{0, 99}, 2},
		{Position{1, 1}, 4}, // within the character
		{Position{1, 99}, 8},
		{Position{2, 5}, 9},
		{Position{9, 0}, 9},
		{Position{-1, 3}, 0},
		{Position{0, -3}, 0},
	} {
		if got := lines.Offset(test.at, UTF16); got != test.want {
			t.Errorf("%v is offset %d, expected %d", test.at, got, test.want)
		}
	}
	if got := lines.Position(1000, UTF16); got != (Position{2, 0}) {
		t.Errorf("an offset after the end is at %v", got)
	}
	if got := lines.Position(-1, UTF16); got != (Position{}) {
		t.Errorf("an offset before the start is at %v", got)
	}
}

// TestChanges holds edits to a model that counts in UTF-16 itself.
func TestChanges(t *testing.T) {
	alphabet := []string{"a", "ä", "😀", "\n", "\r\n", "}", ""}
	rapid.Check(t, func(t *rapid.T) {
		model := utf16.Encode([]rune(strings.Join(rapid.SliceOf(rapid.SampledFrom(alphabet)).Draw(t, "text"), "")))
		lines := Index([]byte(string(utf16.Decode(model))))
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		for range 8 {
			from := boundary(model, random.IntN(len(model)+1))
			to := boundary(model, from+random.IntN(len(model)-from+1))
			inserted := utf16.Encode([]rune(alphabet[random.IntN(len(alphabet))]))
			change := Change{Range: &Range{modelPosition(model, from), modelPosition(model, to)}, Text: string(utf16.Decode(inserted))}
			model = append(append(append([]uint16{}, model[:from]...), inserted...), model[to:]...)
			lines = lines.Apply([]Change{change}, UTF16)
			if want := string(utf16.Decode(model)); string(lines.Bytes) != want {
				t.Fatalf("after %+v the text is %q, expected %q", change, lines.Bytes, want)
			}
		}
	})
}

// boundary moves a place that is within a character or a line's end to the start of it.
func boundary(model []uint16, at int) int {
	if at > 0 && at < len(model) && (utf16.IsSurrogate(rune(model[at])) && model[at] >= 0xdc00 || model[at] == '\n' && model[at-1] == '\r') {
		return at - 1
	}
	return at
}

func modelPosition(model []uint16, at int) Position {
	var p Position
	for i := range at {
		if model[i] == '\n' || model[i] == '\r' && (i+1 == len(model) || model[i+1] != '\n') {
			p = Position{Line: p.Line + 1}
		} else {
			p.Character++
		}
	}
	return p
}

func TestSeveralChanges(t *testing.T) {
	lines := Index([]byte("one\n")).Apply([]Change{
		{Text: "two\nthree\n"},
		{Range: &Range{Position{1, 0}, Position{1, 5}}, Text: "3"},
		{Range: &Range{Position{0, 3}, Position{0, 0}}, Text: "2"}, // the wrong way round
	}, UTF16)
	if string(lines.Bytes) != "2\n3\n" {
		t.Errorf("the text is %q", lines.Bytes)
	}
}

func TestURIs(t *testing.T) {
	for _, test := range []struct{ uri, path string }{
		{"file:///home/a/b%20c/%23x.gantry.hcl", "/home/a/b c/#x.gantry.hcl"},
		{"file://localhost/a/../b", "/b"},
		{"file:///c%3A/a/b.hcl", "c:/a/b.hcl"},
		{"file://server/share/a.hcl", "/server/share/a.hcl"},
	} {
		got, err := URI(test.uri).Path()
		if err != nil || got != test.path {
			t.Errorf("%s is %q, %v, expected %q", test.uri, got, err, test.path)
		}
	}
	for _, uri := range []URI{"untitled:Untitled-1", "https://example.com/a.hcl", "%zz", ""} {
		if path, err := uri.Path(); err == nil {
			t.Errorf("%q is the file %q", uri, path)
		}
	}
	if got := FileURI("/home/a b/ä#.hcl"); got != "file:///home/a%20b/%C3%A4%23.hcl" {
		t.Errorf("the URI is %s", got)
	}
	if got := FileURI("C:/a.hcl"); got != "file:///C:/a.hcl" {
		t.Errorf("the URI is %s", got)
	}
}
