// Package generate makes the items that applications are stamped from: it matches
// paths, reads files, decodes what services and clusters answer, and combines what
// other generators give. All of it is pure: what is read of the outside world
// comes in as bytes or as a tree of files.
//
// It knows no block and no diagnostic: lang declares the generators, asks this
// package, and says where in the configuration a Problem is. lang, what is below it,
// engine and cmd import it.
package generate

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/value"
)

// Item is what a generator gives: a key that stays the same however its neighbours
// change, and a value, mostly an object.
type Item struct {
	Key   string
	Value cty.Value
	// Origin says where the item is from, for messages: `element 2`, a path.
	Origin string
}

// Equal reports whether items are the same, marks included.
func (i Item) Equal(other Item) bool {
	return i.Key == other.Key && i.Origin == other.Origin && i.Value.RawEquals(other.Value)
}

// Problem is something wrong with a generator, in the words of a diagnostic.
type Problem struct {
	// Argument is which of the generator's arguments is to blame; empty for the
	// generator as a whole.
	Argument string
	Summary  string // fixed words
	Detail   string // sentences
}

// Error returns the detail.
func (p *Problem) Error() string { return p.Detail }

func problem(argument, summary, format string, args ...any) *Problem {
	return &Problem{Argument: argument, Summary: summary, Detail: fmt.Sprintf(format, args...)}
}

// Problems returns the problems that an error of this package is made of. An error
// that is none is one as a whole, under the summary.
func Problems(err error, summary string) []*Problem {
	if err == nil {
		return nil
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var out []*Problem
		for _, one := range several.Unwrap() {
			out = append(out, Problems(one, summary)...)
		}
		return out
	}
	var one *Problem
	if errors.As(err, &one) {
		return []*Problem{one}
	}
	return []*Problem{{Summary: summary, Detail: err.Error()}}
}

// Collect brings items in the order of their keys, which must differ, and gives the
// labels of all the same names. Its errors are Problems, one for each key that
// comes twice.
func Collect(items []Item) ([]Item, error) {
	items = slices.Clone(items)
	for i := range items {
		items[i].Key = cty.NormalizeString(items[i].Key)
	}
	slices.SortStableFunc(items, func(a, b Item) int { return strings.Compare(a.Key, b.Key) })
	var errs []error
	for i := 1; i < len(items); i++ {
		if items[i].Key == items[i-1].Key {
			errs = append(errs, problem("", "Duplicate generator key",
				"Two items have the key %q: %s and %s. Applications made of them could not be told apart.", items[i].Key, items[i-1].Origin, items[i].Origin))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for _, attribute := range []string{"labels", "annotations"} {
		unite(items, attribute)
	}
	return items, nil
}

// Object returns items, whose keys differ, as an object by their keys.
func Object(items []Item) cty.Value {
	attributes := make(map[string]cty.Value, len(items))
	for _, item := range items {
		attributes[item.Key] = item.Value
	}
	return cty.ObjectVal(attributes)
}

// Keys returns the keys of items, in their order.
func Keys(items []Item) []string {
	keys := make([]string, len(items))
	for i, item := range items {
		keys[i] = item.Key
	}
	return keys
}

// Digest is "sha256:…" over the keys and values of items, in any order.
func Digest(items []Item) string {
	lines := make([]string, len(items))
	for i, item := range items {
		text := value.Text(item.Value)
		lines[i] = fmt.Sprintf("%d:%s%d:%s", len(item.Key), item.Key, len(text), text)
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// sortedKeys returns a map's keys in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
