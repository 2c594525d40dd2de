package clone

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/providers"
)

// Resolve returns the ID of the commit that a revision names, also an abbreviated one; it is
// providers.ErrNotFound where the clone has none.
func (c *Clone) Resolve(ctx context.Context, revision string) (string, error) {
	id, err := c.git(ctx, nil, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", revision+"^{commit}")
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return "", fmt.Errorf("%w: this clone has no commit %q", providers.ErrNotFound, revision)
	}
	// Older programs repeat the option.
	return id[strings.LastIndex(id, "\n")+1:], err
}

// Contains reports whether a commit is another or one of its ancestors. Both must be here.
func (c *Clone) Contains(ctx context.Context, descendant, commit string) (bool, error) {
	_, err := c.git(ctx, nil, nil, "merge-base", "--is-ancestor", commit, descendant)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return false, nil
	}
	return err == nil, err
}

// Refs returns what the origin has of references that are like some patterns: their IDs by
// name.
func (c *Clone) Refs(ctx context.Context, patterns ...string) (map[string]string, error) {
	listed, err := c.remote(ctx, append([]string{"ls-remote", "--refs", "--", origin}, patterns...)...)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for line := range strings.Lines(listed) {
		if id, name, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			out[name] = id
		}
	}
	return out, nil
}

// Fetch brings the objects of references of the origin into the clone, and changes none of its
// own references.
func (c *Clone) Fetch(ctx context.Context, refs ...string) error {
	if len(refs) == 0 {
		return nil
	}
	_, err := c.remote(ctx, append([]string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", origin}, refs...)...)
	return err
}

// Has reports whether an object is in the clone.
func (c *Clone) Has(ctx context.Context, id string) bool {
	_, err := c.git(ctx, nil, nil, "cat-file", "-e", id)
	return err == nil
}

// mostObject is how many bytes a commit or tag that is read may have.
const mostObject = 1 << 20

// Object returns the bytes of a commit or tag of the clone.
func (c *Clone) Object(ctx context.Context, kind, id string) ([]byte, error) {
	text, err := c.git(ctx, nil, nil, "cat-file", "-s", id)
	if err != nil {
		return nil, err
	}
	if size, err := strconv.Atoi(text); err != nil || size > mostObject {
		return nil, fmt.Errorf("%w: the %s %.8s has %s bytes", providers.ErrInvalid, kind, id, text)
	}
	return c.raw(ctx, nil, nil, "cat-file", kind, id)
}

// PushTag makes an annotated tag of a commit with a message, and pushes it; its name is below
// refs/tags. One that is there already is left.
func (c *Clone) PushTag(ctx context.Context, name, commit, message string) error {
	if _, err := c.git(ctx, nil, nil, "check-ref-format", "refs/tags/"+name); err != nil {
		return fmt.Errorf("%q is no name of a tag: %w", name, providers.ErrInvalid)
	}
	tagger := "gantry <gantry@localhost> 0 +0000"
	if ident, err := c.git(ctx, nil, nil, "var", "GIT_COMMITTER_IDENT"); err == nil {
		tagger = ident
	}
	text := fmt.Sprintf("object %s\ntype commit\ntag %s\ntagger %s\n\n%s\n", commit, name, tagger, strings.TrimSpace(message))
	id, err := c.git(ctx, []byte(text), nil, "mktag")
	if err != nil {
		return err
	}
	_, err = c.remote(ctx, "push", "--quiet", "--", origin, id+":refs/tags/"+name)
	return err
}

// DeleteRef deletes a reference of the origin that has an ID.
func (c *Clone) DeleteRef(ctx context.Context, ref, id string) error {
	_, err := c.remote(ctx, "push", "--quiet", "--force-with-lease="+ref+":"+id, "--", origin, ":"+ref)
	return err
}
