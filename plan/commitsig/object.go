package commitsig

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signed is a commit or a tag as git keeps it, taken apart into what was signed and the
// signature.
type Signed struct {
	// At is when it was committed or tagged, as it says itself; zero where it does not.
	At time.Time

	payload   []byte // the bytes that are signed
	signature []byte // with its armor; nil where there is none
}

// Commit is a commit as its bytes have it.
type Commit struct {
	Signed
	Tree    string
	Parents []string
}

// Tag is an annotated tag as its bytes have it.
type Tag struct {
	Signed
	Object string // what it leads to
	Type   string // of the object: "commit", "tag"
	Name   string // "v1.2.3"
}

// header is one line before the message, with those that continue it.
type header struct {
	name, value string
	from, to    int // where it is in the bytes
}

// headers reads the lines before the message. It knows of no header that must be there.
func headers(raw []byte) ([]header, error) {
	var out []header
	for at := 0; at < len(raw); {
		end := bytes.IndexByte(raw[at:], '\n')
		if end < 0 {
			return nil, errors.New("its last header does not end")
		}
		line, next := string(raw[at:at+end]), at+end+1
		switch {
		case line == "":
			return out, nil
		case strings.ContainsRune(line, 0):
			return nil, errors.New("a header holds a zero byte")
		case line[0] == ' ':
			if len(out) == 0 {
				return nil, errors.New("it begins with a line that continues another")
			}
			out[len(out)-1].value += "\n" + line[1:]
			out[len(out)-1].to = next
		default:
			name, value, _ := strings.Cut(line, " ")
			out = append(out, header{name, value, at, next})
		}
		at = next
	}
	return out, nil
}

// single are the headers that a commit has once.
var single = []string{"tree", "author", "committer", "encoding", "gpgsig"}

// ParseCommit takes a commit's bytes apart. What programs might read in different ways is
// an error: headers that are there twice, or not where git writes them.
func ParseCommit(raw []byte) (*Commit, error) {
	all, err := headers(raw)
	if err != nil {
		return nil, err
	}
	out := &Commit{}
	out.payload = raw
	seen := map[string]bool{}
	for i, h := range all {
		if seen[h.name] && slices.Contains(single, h.name) {
			return nil, fmt.Errorf("it has the header %q twice", h.name)
		}
		seen[h.name] = true
		switch h.name {
		case "tree":
			if i != 0 || !isID(h.value) {
				return nil, errors.New("its tree is no object's id, or not its first header")
			}
			out.Tree = h.value
		case "parent":
			if i != len(out.Parents)+1 || !isID(h.value) {
				return nil, errors.New("a parent is no object's id, or not where git writes it")
			}
			out.Parents = append(out.Parents, h.value)
		case "committer":
			if out.At, err = when(h.value); err != nil {
				return nil, err
			}
		case "gpgsig-sha256":
			return nil, errors.New("it has a signature over its form in a SHA-256 repository, which cannot be read")
		case "gpgsig":
			out.signature = []byte(h.value)
			out.payload = append(bytes.Clone(raw[:h.from]), raw[h.to:]...)
		}
	}
	if out.Tree == "" || !seen["committer"] || !seen["author"] {
		return nil, errors.New("it lacks its tree, author or committer")
	}
	return out, nil
}

// armors begin signatures, each on a line of its own.
var armors = []string{"-----BEGIN PGP SIGNATURE-----", "-----BEGIN PGP MESSAGE-----", "-----BEGIN SSH SIGNATURE-----", "-----BEGIN SIGNED MESSAGE-----"}

// ParseTag takes an annotated tag's bytes apart, as strictly as ParseCommit.
func ParseTag(raw []byte) (*Tag, error) {
	all, err := headers(raw)
	if err != nil {
		return nil, err
	}
	out := &Tag{}
	for i, want := range []string{"object", "type", "tag"} {
		if i >= len(all) || all[i].name != want {
			return nil, fmt.Errorf("it lacks the header %q", want)
		}
	}
	if out.Object, out.Type, out.Name = all[0].value, all[1].value, all[2].value; !isID(out.Object) {
		return nil, errors.New("what it leads to is no object's id")
	}
	for i, h := range all[3:] {
		switch {
		case h.name != "tagger" || i > 0:
			return nil, fmt.Errorf("it has the header %q, where git writes none", h.name)
		default:
			if out.At, err = when(h.value); err != nil {
				return nil, err
			}
		}
	}
	out.payload = raw
	for _, begin := range armors {
		at := bytes.Index(raw, []byte("\n"+begin))
		if at >= 0 && at+1 < len(out.payload) {
			out.payload, out.signature = raw[:at+1], raw[at+1:]
		}
	}
	return out, nil
}

func isID(text string) bool {
	return len(text) == 40 && strings.Trim(text, "0123456789abcdef") == ""
}

// when is the time at the end of a committer's or tagger's line.
func when(value string) (time.Time, error) {
	_, rest, ok := strings.Cut(value, "> ")
	seconds, _, _ := strings.Cut(rest, " ")
	at, err := strconv.ParseInt(seconds, 10, 64)
	if !ok || err != nil {
		return time.Time{}, errors.New("when it was made cannot be read")
	}
	return time.Unix(at, 0).UTC(), nil
}
