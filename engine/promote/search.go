package promote

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/configdiff"
	"github.com/gantrycd/gantry/lang/schema"
)

// Evaluate evaluates the configuration with some files as they are given, by path from its
// directory, and all others as they are. A configuration with errors is an error.
type Evaluate func(ctx context.Context, files map[string][]byte) (*lang.Config, error)

// Search finds where values are written.
type Search struct {
	Before   *lang.Config
	Evaluate Evaluate
	// Files are those that may be edited, by path: what evaluating reads.
	Files map[string][]byte
	// Rules is a digest over who may do what, which no edit may change.
	Rules func(*lang.Config) string
}

// NotWrittenError says that a pinned input cannot be changed for one application alone.
type NotWrittenError struct {
	Change Change
	Why    string
}

// Error implements error.
func (e *NotWrittenError) Error() string {
	return fmt.Sprintf("%s of %s: %s", e.Change.Input, e.Change.Application, e.Why)
}

// Edit finds the edits that make changes, and nothing else, and notes in each where it is
// written. It returns the files that change.
func (s *Search) Edit(ctx context.Context, changes []Change) (map[string][]byte, error) {
	edited := map[string][]byte{}
	var problems []error
	for i := range changes {
		err := s.one(ctx, edited, changes, i)
		var not *NotWrittenError
		if err != nil && !errors.As(err, &not) {
			return nil, err
		}
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	if len(edited) == 0 {
		return edited, nil
	}
	after, err := s.Evaluate(ctx, edited)
	if err != nil {
		return nil, err
	}
	if others := s.differ(after, changes); len(others) > 0 {
		return nil, fmt.Errorf("the edit would change %s, too", schema.List(others, "and"))
	}
	return edited, nil
}

// site is where a text is written.
type site struct {
	file       string
	start, end int
	text       string // that replaces it
}

// most is how often the configuration is evaluated to find one value.
const most = 400

// one finds the edit for one change, beside those that are there, and adds it.
func (s *Search) one(ctx context.Context, edited map[string][]byte, changes []Change, i int) error {
	change := &changes[i]
	if len(edited) > 0 {
		config, err := s.Evaluate(ctx, edited)
		if err != nil {
			return err
		}
		if has(config, change) { // what is written for both is edited
			for _, other := range changes[:i] {
				if strings.Contains(change.New, other.New) || strings.Contains(other.New, change.New) {
					change.File, change.Line = other.File, other.Line
				}
			}
			return nil
		}
	}
	for _, words := range parts(change.Old, change.New) {
		sites := s.sites(edited, words[0], words[1])
		left := most
		found, err := s.causing(ctx, edited, change, sites, &left)
		if err != nil {
			return err
		}
		if found == nil {
			continue
		}
		change.File, change.Line = found.file, 1+bytes.Count(s.content(edited, found.file)[:found.start], []byte("\n"))
		after, err := s.Evaluate(ctx, s.with(edited, *found))
		if err != nil {
			return err
		}
		if others := s.differ(after, changes); len(others) > 0 {
			return &NotWrittenError{*change, fmt.Sprintf(
				"%q is written at %s:%d, which %s uses, too. Write it apart for each: as a map by key, such as { staging = \"…\", production = \"…\" }[each.key], or as an attribute of what for_each goes over",
				words[0], found.file, change.Line, schema.List(others, "and"))}
		}
		maps.Copy(edited, s.with(edited, *found))
		return nil
	}
	return &NotWrittenError{*change, fmt.Sprintf(
		"%q is written in no file of the configuration as one text: it comes from a --var, the environment, a generator or a module that is elsewhere, or is computed. Write it as a literal, in the application or in what it refers to", change.Old)}
}

// parts are the texts whose replacement makes the new of the old, the longest first: the whole,
// and what is left of both without the same words before or behind.
func parts(before, after string) [][2]string {
	same := func(a, b string) int {
		n := 0
		for n < len(a) && n < len(b) && a[n] == b[n] {
			n++
		}
		return n
	}
	front, out := same(before, after), [][2]string{{before, after}}
	for start := range before {
		if start > front || start > 0 && !strings.ContainsRune("-_/:@+", rune(before[start-1])) {
			continue
		}
		for end := len(before); end > start; end-- {
			tail := len(before) - end
			if tail > 0 && (!strings.ContainsRune("-_/:@+", rune(before[end])) || tail > len(after)-start || before[end:] != after[len(after)-tail:]) {
				continue
			}
			if words := [2]string{before[start:end], after[start : len(after)-tail]}; words[0] != words[1] && words[1] != "" && (start > 0 || tail > 0) {
				out = append(out, words)
			}
		}
	}
	slices.SortStableFunc(out[1:], func(a, b [2]string) int { return cmp.Compare(len(b[0]), len(a[0])) })
	return out
}

// sites are where a text stands by itself.
func (s *Search) sites(edited map[string][]byte, text, by string) []site {
	var out []site
	for _, name := range slices.Sorted(maps.Keys(s.Files)) {
		content := s.content(edited, name)
		for at := 0; ; {
			next := bytes.Index(content[at:], []byte(text))
			if next < 0 {
				break
			}
			start, end := at+next, at+next+len(text)
			if (start == 0 || !inWord(content[start-1])) && (end == len(content) || !inWord(content[end])) {
				out = append(out, site{file: name, start: start, end: end, text: by})
			}
			at = start + 1
		}
	}
	return out
}

func inWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-' || c == '+'
}

// causing is the site whose edit makes a change; nil where none does. Halves are tried, and
// within a half that makes no change only where it broke the configuration.
func (s *Search) causing(ctx context.Context, edited map[string][]byte, change *Change, sites []site, left *int) (*site, error) {
	if len(sites) == 0 {
		return nil, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if *left--; *left < 0 {
		return nil, fmt.Errorf("%s of %s: %q is written in too many places to find out which is meant", change.Input, change.Application, change.Old)
	}
	config, err := s.Evaluate(ctx, s.with(edited, sites...))
	if err == nil && !has(config, change) {
		return nil, nil
	}
	if len(sites) == 1 {
		if err != nil {
			return nil, nil
		}
		return &sites[0], nil
	}
	half := len(sites) / 2
	found, err := s.causing(ctx, edited, change, sites[:half], left)
	if found != nil || err != nil {
		return found, err
	}
	return s.causing(ctx, edited, change, sites[half:], left)
}

// has reports whether a configuration has what a change makes.
func has(config *lang.Config, change *Change) bool {
	for _, app := range config.Applications {
		if app.Address == change.Application {
			return fields(app)[change.Input].text == change.after
		}
	}
	return false
}

func (s *Search) content(edited map[string][]byte, name string) []byte {
	if content, ok := edited[name]; ok {
		return content
	}
	return s.Files[name]
}

// with are the edited files with sites replaced.
func (s *Search) with(edited map[string][]byte, sites ...site) map[string][]byte {
	out := maps.Clone(edited)
	for _, at := range slices.Backward(sites) { // what is behind stays where it is
		content := s.content(out, at.file)
		out[at.file] = slices.Concat(content[:at.start], []byte(at.text), content[at.end:])
	}
	return out
}

// differ names what differs in a configuration, beside what changes say, sorted.
func (s *Search) differ(after *lang.Config, changes []Change) []string {
	var out []string
	was, is := byAddress(s.Before), byAddress(after)
	for address := range was {
		if is[address] == nil {
			out = append(out, address.String())
		}
	}
	for address, app := range is {
		if was[address] == nil {
			out = append(out, address.String())
			continue
		}
		out = append(out, differing(was[address], app, changes)...)
	}
	for i := range min(len(s.Before.Clusters), len(after.Clusters)) {
		if one, other := s.Before.Clusters[i], after.Clusters[i]; one.Name != other.Name || !reflect.DeepEqual(one.Connection, other.Connection) {
			out = append(out, one.Address.String())
		}
	}
	if len(s.Before.Clusters) != len(after.Clusters) {
		out = append(out, "which clusters there are")
	}
	if s.Rules(s.Before) != s.Rules(after) {
		out = append(out, "the rules of who may do what")
	}
	slices.Sort(out)
	return out
}

func byAddress(config *lang.Config) map[addr.Address]*lang.Application {
	out := map[addr.Address]*lang.Application{}
	for _, app := range config.Applications {
		out[app.Address] = app
	}
	return out
}

// differing names what differs in an application beside what changes say.
func differing(was, is *lang.Application, changes []Change) []string {
	allowed := map[string]string{}
	for i := range changes {
		if changes[i].Application == is.Address {
			allowed[changes[i].Input] = changes[i].after
		}
	}
	var out []string
	before, after := fields(was), fields(is)
	for at, f := range after {
		had, there := before[at]
		if want, ok := allowed[at]; there && had.text == f.text || ok && want == f.text {
			continue
		}
		out = append(out, at+" of "+is.Address.String())
	}
	for at := range before {
		if _, there := after[at]; !there {
			out = append(out, at+" of "+is.Address.String())
		}
	}
	one, other := *was, *is
	if clusterOf(was) != clusterOf(is) {
		out = append(out, "the cluster of "+is.Address.String())
	}
	for _, app := range []*lang.Application{&one, &other} {
		app.Sources, app.Project, app.Destination.Cluster = nil, nil, nil // compared by themselves
	}
	for _, argument := range configdiff.Differing(&one, &other) {
		out = append(out, argument+" of "+is.Address.String())
	}
	return out
}

func clusterOf(app *lang.Application) string {
	if app.Destination.Cluster == nil {
		return ""
	}
	return app.Destination.Cluster.Address.String()
}
