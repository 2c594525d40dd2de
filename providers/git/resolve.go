package git

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/revision"
)

var (
	hexadecimal = regexp.MustCompile(`^[0-9a-f]{4,40}$`)
	sha256ID    = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

func isFullHash(revision string) bool {
	return len(revision) == 40 && hexadecimal.MatchString(revision)
}

// references are what a repository's names led to when a plan read them.
type references struct {
	head      plumbing.Hash // zero when there is no default branch
	byName    map[string]plumbing.Hash
	anyObject bool // the server gives objects that no name leads to
}

func (r *references) advertises(hash plumbing.Hash) bool {
	for _, h := range r.byName {
		if h == hash {
			return true
		}
	}
	return false
}

// below returns the names in a namespace such as "refs/tags/", without it,
// sorted.
func (r *references) below(namespace string) []string {
	var names []string
	for name := range r.byName {
		if short, ok := strings.CutPrefix(name, namespace); ok {
			names = append(names, short)
		}
	}
	slices.Sort(names)
	return names
}

// hint says which names are like one that does not exist.
func (r *references) hint(name string) string {
	if isFullHash(name) {
		return ": it has no such commit, or does not give it to this user"
	}
	if strings.HasPrefix(name, "refs/") {
		names := make([]string, 0, len(r.byName))
		for full := range r.byName {
			names = append(names, full)
		}
		return revision.Hint(name, names)
	}
	return revision.Hint(name, append(r.below("refs/heads/"), r.below("refs/tags/")...))
}

// resolve finds the object of a revision, and the full name that it came to, if
// any. The object may be one that is not fetched.
func (r *repository) resolve(text string) (plumbing.Hash, string, error) {
	switch {
	case text == "" || text == "HEAD":
		if r.refs.head.IsZero() {
			return plumbing.ZeroHash, "", fmt.Errorf("its default branch is %w; give a revision%s", providers.ErrNotFound, r.refs.hint("main"))
		}
		return r.refs.head, "HEAD", nil
	case isFullHash(text):
		return plumbing.NewHash(text), "", nil
	case sha256ID.MatchString(text):
		return plumbing.ZeroHash, "", fmt.Errorf("%w: revision %s is a SHA-256 commit, and repositories of that format cannot be read", providers.ErrUnsupported, text)
	}
	for _, namespace := range []string{"", "refs/", "refs/tags/", "refs/heads/"} {
		if hash, ok := r.refs.byName[namespace+text]; ok && strings.HasPrefix(namespace+text, "refs/") {
			return hash, namespace + text, nil
		}
	}
	if hexadecimal.MatchString(text) {
		hash, err := r.abbreviated(text)
		if err != nil || !hash.IsZero() {
			return hash, "", err
		}
	}
	if within, ok := revision.ParseRange(text); ok {
		tags := r.refs.below("refs/tags/")
		tag, ok := within.Newest(tags)
		if !ok {
			return plumbing.ZeroHash, "", fmt.Errorf("no tag is in the range %q: %w%s", text, providers.ErrNotFound, newestTags(tags, within.Prefix))
		}
		return r.refs.byName["refs/tags/"+tag], "refs/tags/" + tag, nil
	}
	return plumbing.ZeroHash, "", r.notFound(text)
}

// newestTags names the newest versions there are.
func newestTags(tags []string, prefix string) string {
	var versions []string
	for _, tag := range tags {
		if version, ok := strings.CutPrefix(tag, prefix); ok {
			versions = append(versions, version)
		}
	}
	newest := revision.Latest(versions, 3)
	if len(newest) == 0 {
		return "; it has no tags that are versions"
	}
	return "; the newest are " + prefix + strings.Join(newest, ", "+prefix)
}

// abbreviated finds the commit whose id starts with some digits, or zero.
func (r *repository) abbreviated(text string) (plumbing.Hash, error) {
	commits, err := r.objects.commitsWithPrefix(text)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	switch len(commits) {
	case 0:
		return plumbing.ZeroHash, nil
	case 1:
		return commits[0], nil
	default:
		return plumbing.ZeroHash, fmt.Errorf("commit %q is ambiguous: %s and %s start with it", text, commits[0], commits[1])
	}
}

// ancestor reads "main~2" and "HEAD^": the revision, and how many first parents to go
// back from it. No name of git has these characters.
func ancestor(text string) (base string, back int) {
	at := strings.IndexAny(text, "~^")
	if at < 0 {
		return text, 0
	}
	for rest := text[at:]; rest != ""; {
		step := rest[0]
		end := 1
		for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
			end++
		}
		n := 1
		if digits := rest[1:end]; digits != "" {
			var err error
			if n, err = strconv.Atoi(digits); err != nil || n > maxBack || step == '^' && n != 1 {
				return text, 0 // then nothing has this name
			}
		}
		if step != '~' && step != '^' {
			return text, 0
		}
		back, rest = back+n, rest[end:]
	}
	if text[0] == '^' || text[0] == '~' { // a semver range
		return text, 0
	}
	return text[:at], back
}

// maxBack is how far back a revision may go.
const maxBack = 100_000
