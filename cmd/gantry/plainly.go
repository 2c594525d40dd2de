package main

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/gantrycd/gantry/lang/value"
)

// plainly is an error's text, in which what the operating system says of files is in
// words for people.
func plainly(err error) string {
	text := err.Error()
	for _, inner := range wrapped(err) {
		if failed, ok := inner.(*fs.PathError); ok { //nolint:errorlint // every error of the tree is looked at
			text = strings.ReplaceAll(text, failed.Error(), fmt.Sprintf("%q: %s", failed.Path, value.FileFault(failed)))
		}
	}
	return text
}

// wrapped returns an error and all that it wraps.
func wrapped(err error) []error {
	out := []error{err}
	switch outer := err.(type) { //nolint:errorlint // as above
	case interface{ Unwrap() error }:
		if inner := outer.Unwrap(); inner != nil {
			out = append(out, wrapped(inner)...)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range outer.Unwrap() {
			out = append(out, wrapped(inner)...)
		}
	}
	return out
}
