// Package promote carries what one instance of an application runs over to another: it finds
// which pinned inputs differ, where they are written, and the smallest edit of the files that
// changes these and nothing else; and it says what speaks for it.
//
// It knows no grammar of the files that it edits. Where a value is written is found by trying:
// an edit counts where the configuration, evaluated with it, has the new value in the one
// place that is meant, and is the same everywhere else. It writes nothing, asks no cluster and
// no forge. cmd imports it.
package promote

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/source"
)

// Pair is an application that shows how it should be, and the one that is to become so.
type Pair struct{ From, To *lang.Application }

// Change is one pinned input that changes.
type Change struct {
	Application addr.Address `json:"application"`
	// Input is where it goes: "source.revision", "source.kustomize.images[\"web\"]".
	Input string `json:"input"`
	Old   string `json:"old"`
	New   string `json:"new"`
	// File and Line are where it is written, from the configuration's directory.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`

	// The whole field as it is to be: an image is "NAME:TAG", of which New is the tag.
	after string
	// Of a revision, the location that shows how it should be; else it has no type.
	model source.Location
}

// Locations are what a promoted revision comes from and what it becomes, where the change is
// one of a revision: what the first is locked as is what the second asks for.
func (c *Change) Locations() (from, to source.Location, ok bool) {
	to = c.model
	to.Revision = c.New
	return c.model, to, c.model.Type != ""
}

// ErrUnknown is that an address, or what --from and --to say of it, is not there.
var ErrUnknown = errors.New("no such application")

// Pairs finds which instances of an application are meant by two names: keys of its own
// for_each or of a module's that it is in, one of the names between the slashes of such a key,
// or else the clusters that they go to. Without an address, both names are addresses.
func Pairs(config *lang.Config, of addr.Address, from, to string) ([]Pair, error) {
	if from == to {
		return nil, fmt.Errorf("%q is both where from and where to", from)
	}
	if of.IsZero() {
		pair, err := between(config, from, to)
		return []Pair{pair}, err
	}
	var candidates []*lang.Application
	for _, app := range config.Applications {
		if of.Covers(app.Address) {
			candidates = append(candidates, app)
		}
	}
	if len(candidates) == 0 {
		return nil, unknown(config, of)
	}
	var out []Pair
	for _, app := range candidates {
		renamed, ok := rename(app.Address, from, to)
		if !ok {
			continue
		}
		other, err := find(config, renamed)
		if err != nil {
			return nil, fmt.Errorf("%s goes to %q as %s: %w", app.Address, to, renamed, err)
		}
		out = append(out, Pair{From: app, To: other})
	}
	if len(out) > 0 {
		return out, nil
	}
	return byCluster(candidates, of, from, to)
}

// between is the pair of two addresses.
func between(config *lang.Config, from, to string) (Pair, error) {
	var ends [2]*lang.Application
	for i, text := range []string{from, to} {
		address, err := addr.Parse(text)
		if err != nil || address.Kind != "application" {
			return Pair{}, fmt.Errorf("%q is no address of an application: say which application is promoted, or the addresses of two", text)
		}
		if ends[i], err = find(config, address); err != nil {
			return Pair{}, err
		}
	}
	return Pair{From: ends[0], To: ends[1]}, nil
}

func find(config *lang.Config, address addr.Address) (*lang.Application, error) {
	for _, app := range config.Applications {
		if app.Address == address {
			return app, nil
		}
	}
	return nil, unknown(config, address)
}

func unknown(config *lang.Config, address addr.Address) error {
	for _, b := range config.Broken {
		if b.Address.Covers(address) || address.Covers(b.Address) {
			return fmt.Errorf("%s has errors", address)
		}
	}
	if slices.ContainsFunc(config.Deferred, func(a addr.Address) bool { return a.Covers(address) || address.Covers(a) }) {
		return fmt.Errorf("%s cannot be told without what generators read", address)
	}
	var names []string
	for _, app := range config.Applications {
		names = append(names, app.Address.String(), app.Address.Block().String())
	}
	if near := schema.Suggest(address.String(), names); near != "" {
		return fmt.Errorf("%w: %s is not in the configuration. Did you mean %s?", ErrUnknown, address, near)
	}
	return fmt.Errorf("%w: %s is not in the configuration", ErrUnknown, address)
}

var keyText = regexp.MustCompile(`\["(?:[^"\\]|\\.)*"\]`)

// rename replaces a name in the keys of an address, and reports whether one has it.
func rename(address addr.Address, from, to string) (addr.Address, bool) {
	found := false
	text := keyText.ReplaceAllStringFunc(address.String(), func(quoted string) string {
		one, err := addr.Parse("application.x" + quoted)
		if err != nil {
			return quoted
		}
		key := one.Key
		if key == from {
			key, found = to, true
		} else {
			names := strings.Split(key, "/")
			for i := range names {
				if names[i] == from {
					names[i], found = to, true
				}
			}
			key = strings.Join(names, "/")
		}
		return strings.TrimPrefix(addr.Application("x").Instance(key).String(), "application.x")
	})
	renamed, err := addr.Parse(text)
	return renamed, found && err == nil
}

// byCluster is the pair of those that go to two clusters.
func byCluster(candidates []*lang.Application, of addr.Address, from, to string) ([]Pair, error) {
	var ends [2][]*lang.Application
	var keys []string
	for _, app := range candidates {
		keys = append(keys, keysOf(app.Address)...)
		if app.Destination.Cluster == nil {
			continue
		}
		name := app.Destination.Cluster.Name
		keys = append(keys, name)
		for i, end := range []string{from, to} {
			if name == end {
				ends[i] = append(ends[i], app)
			}
		}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	for i, end := range []string{from, to} {
		switch {
		case len(ends[i]) == 0:
			hint := "it has " + schema.List(quotedAll(keys), "and")
			if near := schema.Suggest(end, keys); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			return nil, fmt.Errorf("%w: nothing of %s has the key %q or goes to a cluster of that name; %s", ErrUnknown, of, end, hint)
		case len(ends[i]) > 1:
			return nil, fmt.Errorf("%s goes to the cluster %q more than once, so that it is not known what becomes what: name one application, by its whole address", of, end)
		}
	}
	return []Pair{{From: ends[0][0], To: ends[1][0]}}, nil
}

func keysOf(address addr.Address) []string {
	var out []string
	for _, quoted := range keyText.FindAllString(address.String(), -1) {
		if one, err := addr.Parse("application.x" + quoted); err == nil {
			out = append(out, strings.Split(one.Key, "/")...)
		}
	}
	return out
}

func quotedAll(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = fmt.Sprintf("%q", name)
	}
	return out
}

// Names are the names that --from and --to can be, of an application or of all: keys, and
// clusters; sorted.
func Names(config *lang.Config, of string) []string {
	var out []string
	address, err := addr.Parse(of)
	for _, app := range config.Applications {
		if of != "" && (err != nil || !address.Covers(app.Address)) {
			continue
		}
		out = append(out, keysOf(app.Address)...)
		if of == "" {
			out = append(out, app.Address.String())
		} else if app.Destination.Cluster != nil {
			out = append(out, app.Destination.Cluster.Name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
