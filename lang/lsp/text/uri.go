package text

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// URI is how an editor calls a document.
type URI string

// Path returns the file that a URI names. It is an error where the document is no
// file, such as one that was never saved.
func (u URI) Path() (string, error) {
	parsed, err := url.Parse(string(u))
	if err != nil {
		return "", fmt.Errorf("%q is no URI: %w", string(u), err)
	}
	if parsed.Scheme != "file" || parsed.Path == "" {
		return "", fmt.Errorf("%q names no file", string(u))
	}
	path := parsed.Path
	if hasDrive(path) {
		path = path[1:]
	}
	if parsed.Host != "" && parsed.Host != "localhost" {
		path = "//" + parsed.Host + path
	}
	return filepath.Clean(filepath.FromSlash(path)), nil
}

// FileURI returns the URI of a file, whose path must be absolute.
func FileURI(path string) URI {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // C:/x
	}
	return URI((&url.URL{Scheme: "file", Path: slashed}).String())
}

// hasDrive tells a path such as /C:/x.
func hasDrive(path string) bool {
	return len(path) >= 3 && path[0] == '/' && path[2] == ':' && (path[1]|0x20 >= 'a' && path[1]|0x20 <= 'z')
}
