// Package clone works with the origin of a clone on this machine: it makes a commit that no
// branch and no work tree has, and pushes it to a branch there; it reads and writes tags there.
//
// Unlike providers/git it runs the git program, which has the user's way to log in: helpers,
// agents, what a CI system has set up. It changes no file and no reference of the clone.
// engine/gitreviews and cmd import it.
package clone

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/web"
)

// Clone is a repository on this machine with a work tree.
type Clone struct {
	Root string   // of the work tree
	Env  []string // NAME=VALUE, as of os.Environ
	// Login is used where the clone's own way to log in does not let it in, and only for the
	// host that it is of; nil is none.
	Login *Login
}

// Login is what logs in to a forge over http(s).
type Login struct {
	URL      string // of the forge; only its scheme and host matter
	Username string
	Token    object.Sensitive
}

// Trailer is the last line of the message of each commit that Commit makes. A branch whose
// commits all have it may be written anew.
const Trailer = "Proposed-By: gantry"

// origin is the remote that is pushed to.
const origin = "origin"

// Commit makes a commit on top of another: with files that become others, by their path from
// the root, and a message. The same gives the same commit. It returns its ID.
func (c *Clone) Commit(ctx context.Context, parent string, files map[string][]byte, message string) (string, error) {
	folder, err := os.MkdirTemp("", "gantry-index-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(folder) }() // it is ours, and temporary
	index := "GIT_INDEX_FILE=" + filepath.Join(folder, "index")
	if _, err := c.git(ctx, nil, []string{index}, "read-tree", parent); err != nil {
		return "", err
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if name == "." || name != path.Clean(name) || !filepath.IsLocal(filepath.FromSlash(name)) {
			return "", fmt.Errorf("%q is no path in the repository: %w", name, providers.ErrInvalid)
		}
		mode, err := c.mode(ctx, parent, name)
		if err != nil {
			return "", err
		}
		blob, err := c.git(ctx, files[name], nil, "hash-object", "-w", "--stdin")
		if err != nil {
			return "", err
		}
		if _, err := c.git(ctx, nil, []string{index}, "update-index", "--add", "--cacheinfo", mode+","+blob+","+name); err != nil {
			return "", err
		}
	}
	tree, err := c.git(ctx, nil, []string{index}, "write-tree")
	if err != nil {
		return "", err
	}
	at, err := c.git(ctx, nil, nil, "show", "--no-patch", "--format=%cI", parent)
	if err != nil {
		return "", err
	}
	text := []byte(strings.TrimSpace(message) + "\n\n" + Trailer + "\n")
	return c.git(ctx, text, append(c.identity(ctx), "GIT_AUTHOR_DATE="+at, "GIT_COMMITTER_DATE="+at), "commit-tree", tree, "-p", parent, "-F", "-")
}

// mode is that of a file in a commit; a link, or what is no file, is not written over.
func (c *Clone) mode(ctx context.Context, commit, name string) (string, error) {
	listed, err := c.git(ctx, nil, nil, "ls-tree", commit, "--", ":(top,literal)"+name)
	if err != nil {
		return "", err
	}
	mode, _, _ := strings.Cut(listed, " ")
	switch mode {
	case "":
		return "100644", nil
	case "100644", "100755":
		return mode, nil
	}
	return "", fmt.Errorf("%s is no plain file in %.8s: %w", name, commit, providers.ErrUnsupported)
}

// identity says who commits, where the clone and the environment do not.
func (c *Clone) identity(ctx context.Context) []string {
	if _, err := c.git(ctx, nil, nil, "var", "GIT_COMMITTER_IDENT"); err == nil {
		if _, err := c.git(ctx, nil, nil, "var", "GIT_AUTHOR_IDENT"); err == nil {
			return nil
		}
	}
	const name, mail = "gantry", "gantry@localhost"
	return []string{"GIT_AUTHOR_NAME=" + name, "GIT_AUTHOR_EMAIL=" + mail, "GIT_COMMITTER_NAME=" + name, "GIT_COMMITTER_EMAIL=" + mail}
}

// ErrForeign is that a branch has commits that Commit has not made.
var ErrForeign = errors.New("it has commits that are not gantry's")

// Push has a branch of the origin be a commit, whose base is one that the origin has. It
// reports whether anything was pushed. A branch that has commits of anybody else is left
// alone, and is ErrForeign; one that somebody pushes to meanwhile stays as they have it.
func (c *Clone) Push(ctx context.Context, branch, commit, base string) (bool, error) {
	if _, err := c.git(ctx, nil, nil, "check-ref-format", "refs/heads/"+branch); err != nil {
		return false, fmt.Errorf("%q is no name of a branch: %w", branch, providers.ErrInvalid)
	}
	ref := "refs/heads/" + branch
	refs, err := c.Refs(ctx, ref)
	if err != nil {
		return false, err
	}
	there := refs[ref]
	if there == commit {
		return false, nil
	}
	if there != "" {
		if err := c.ours(ctx, ref, there, base); err != nil {
			return false, err
		}
	}
	_, err = c.remote(ctx, "push", "--quiet", "--force-with-lease="+ref+":"+there, "--", origin, commit+":"+ref)
	return err == nil, err
}

// ours makes sure that all that a branch has beyond a base was made by Commit.
func (c *Clone) ours(ctx context.Context, ref, there, base string) error {
	if err := c.Fetch(ctx, ref); err != nil {
		return err
	}
	// What the base has is not the branch's.
	listed, err := c.git(ctx, nil, nil, "log", "--format=%H%x00%B%x01", there, "--not", base, "--")
	if err != nil {
		return err
	}
	for one := range strings.SplitSeq(listed, "\x01") {
		id, message, ok := strings.Cut(strings.TrimSpace(one), "\x00")
		if ok && !strings.HasSuffix(strings.TrimSpace(message), "\n"+Trailer) {
			return fmt.Errorf("the branch %s of the origin: %w (%.8s); rename or delete it", strings.TrimPrefix(ref, "refs/heads/"), ErrForeign, id)
		}
	}
	return nil
}

// remote runs git to talk to the origin: as the clone is set up and, where that does not let
// it in, with the login.
func (c *Clone) remote(ctx context.Context, args ...string) (string, error) {
	out, err := c.git(ctx, nil, nil, args...)
	if err == nil || c.Login == nil || c.Login.Token == "" {
		return out, err
	}
	where, urlErr := c.git(ctx, nil, nil, "remote", "get-url", "--push", origin)
	if urlErr != nil {
		return out, err
	}
	at, urlErr := url.Parse(where)
	forge, forgeErr := url.Parse(c.Login.URL)
	if urlErr != nil || forgeErr != nil || at.Host == "" || !web.SameOrigin(at, forge) {
		return out, err
	}
	basic := base64.StdEncoding.EncodeToString([]byte(c.Login.Username + ":" + c.Login.Token.Reveal()))
	return c.git(ctx, nil, []string{
		"GIT_CONFIG_COUNT=2",
		"GIT_CONFIG_KEY_0=http." + at.Scheme + "://" + at.Host + "/.extraHeader", "GIT_CONFIG_VALUE_0=Authorization: Basic " + basic,
		"GIT_CONFIG_KEY_1=credential.helper", "GIT_CONFIG_VALUE_1=",
	}, args...)
}

// elsewhere reports whether a variable would have git work on another repository than the one
// it is run in, as the hooks of one have it set.
func elsewhere(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	return slices.Contains([]string{"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE"}, name)
}

// mostSaid is how much of what git says is told.
const mostSaid = 2000

// git runs git in the clone, and returns what it printed without the last line's end.
func (c *Clone) git(ctx context.Context, input []byte, env []string, args ...string) (string, error) {
	out, err := c.raw(ctx, input, env, args...)
	return strings.TrimRight(string(out), "\n"), err
}

// raw runs git in the clone, and returns what it printed.
func (c *Clone) raw(ctx context.Context, input []byte, env []string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "git", args...)
	command.Dir = c.Root
	command.Env = slices.DeleteFunc(slices.Clone(c.Env), elsewhere)
	command.Env = append(command.Env, "GIT_TERMINAL_PROMPT=0", "LC_ALL=C", "GIT_OPTIONAL_LOCKS=0")
	command.Env = append(command.Env, env...)
	var out, said bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(input), &out, &said
	if err := command.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, errors.New("the program git is not there, and is needed to push")
		}
		text := strings.TrimSpace(said.String())
		if c.Login != nil && c.Login.Token != "" {
			text = strings.ReplaceAll(text, c.Login.Token.Reveal(), "…")
		}
		if len(text) > mostSaid {
			text = text[:mostSaid] + "…"
		}
		return nil, fmt.Errorf("git %s: %w: %s", args[0], err, web.RedactText(text))
	}
	return out.Bytes(), nil
}
