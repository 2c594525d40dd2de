package local

import (
	"strings"

	"github.com/gantrycd/gantry/state"
)

// A key's file name is the key with what file systems cannot tell apart or take
// written in characters that no key has: an upper-case letter as '=' and the
// lower-case one, a dot at the start or behind a dot as "=.", a segment that is longer than file
// names may be as directories that end in '+', and a directory that looks like
// a value's file with '=' behind it. So names that begin with a dot are ours.
const (
	extension  = ".json"
	maxSegment = 200
)

// fileName returns the slash-separated path of a key's value.
func fileName(key string) string {
	dir, last := "", key
	if i := strings.LastIndexByte(key, '/'); i >= 0 {
		dir, last = dirName(key[:i])+"/", key[i+1:]
	}
	return dir + split(encode(last)) + extension
}

// dirName returns the slash-separated path of the directory of the keys below
// a prefix.
func dirName(prefix string) string {
	segments := strings.Split(prefix, "/")
	for i, segment := range segments {
		name := encode(segment)
		if strings.HasSuffix(name, extension) {
			name += "="
		}
		segments[i] = split(name)
	}
	return strings.Join(segments, "/")
}

// keyOf returns the key whose fileName a path is, and false where it is none.
func keyOf(path string) (string, bool) {
	name, ok := strings.CutSuffix(path, extension)
	if !ok {
		return "", false
	}
	segments := strings.Split(strings.ReplaceAll(name, "+/", ""), "/")
	for i, segment := range segments {
		if i < len(segments)-1 && strings.HasSuffix(segment, extension+"=") {
			segment = strings.TrimSuffix(segment, "=")
		}
		segments[i] = decode(segment)
	}
	key := strings.Join(segments, "/")
	if state.CheckKey(key) != nil || fileName(key) != path {
		return "", false
	}
	return key, true
}

func encode(segment string) string {
	var b strings.Builder
	for i := range len(segment) {
		c := segment[i]
		switch {
		case 'A' <= c && c <= 'Z':
			b.WriteByte('=')
			b.WriteByte(c + 'a' - 'A')
		case c == '.' && (i == 0 || segment[i-1] == '.'):
			b.WriteString("=.")
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

func decode(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c == '=' && i+1 < len(name) {
			i++
			if c = name[i]; 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}

// split cuts a long name into directories. No piece begins with a dot, since
// every dot of an encoded name has another character before it.
func split(name string) string {
	var b strings.Builder
	for len(name) > maxSegment {
		cut := maxSegment
		if name[cut] == '.' {
			cut--
		}
		b.WriteString(name[:cut])
		b.WriteString("+/")
		name = name[cut:]
	}
	b.WriteString(name)
	return b.String()
}
