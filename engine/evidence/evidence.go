// Package evidence gathers what a decision about approvals is made of, and records what
// reviewers approve: pull requests and reviews from the forge, commits from git, records and
// the rules in force from the state. What it comes to is decided by engine/approval.
//
// It reads the protected branch's rules from git, never from a work tree, and takes nothing
// that a pull request's own jobs write for true. It changes no cluster. cmd imports it.
package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gobwas/glob"

	"github.com/gantrycd/gantry/engine/access"
	"github.com/gantrycd/gantry/engine/approval"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/git"
	"github.com/gantrycd/gantry/state"
)

// Gatherer gathers evidence about one repository. All fields must be set but Forge, which
// Stand and Prepare open.
type Gatherer struct {
	Forge providers.Forge
	// Open opens the forge that a configuration names. It is never one that a pull request
	// could have changed.
	Open    func(ctx context.Context, config *lang.Config) (providers.Forge, error)
	History *git.History
	Records *state.Records
	// Config evaluates the configuration as it was at a commit, without reading a source.
	Config func(ctx context.Context, commit string) (*lang.Config, error)
	Now    func() time.Time
}

// Standing is where an apply stands: what is applied, and the rules that judge it.
type Standing struct {
	Branch, Commit string
	// Config is the configuration at the commit whose rules are in force; Rules are these.
	Config *lang.Config
	Rules  state.Rules
	// InForce is the digest of the rules in force, as it is told today.
	InForce string
	// At is the configuration at Commit, and Digest that of its rules.
	At     *lang.Config
	Digest string
	// First: no rules were accepted before, so that those at Commit judge it.
	First bool
}

// Moves reports whether the rules at the commit are others than those in force.
func (s *Standing) Moves() bool { return s.First || s.Digest != s.Rules.Digest }

// Stand finds out which protected branch HEAD is on, from git and from the forge, and which
// rules are in force. except are names of directories that may differ from the commit.
func (g *Gatherer) Stand(ctx context.Context, below string, except ...string) (*Standing, error) {
	head, err := g.History.Head()
	if err != nil {
		return nil, err
	}
	out := &Standing{Commit: head}
	if out.At, err = g.Config(ctx, head); err != nil {
		return nil, fmt.Errorf("the configuration at %.8s: %w", head, err)
	}
	out.Digest = RulesDigest(out.At)
	rules, err := g.Records.Rules(ctx)
	switch {
	case err != nil:
		return nil, err
	case rules == nil:
		out.First, out.Config = true, out.At
		out.Rules = state.Rules{Commit: head, Digest: out.Digest, Protection: approval.Of(out.At.Settings.Protection)}
	case rules.Digest == out.Digest:
		out.Config, out.Rules = out.At, *rules
	default:
		if !g.History.Has(rules.Commit) {
			return nil, fmt.Errorf("the rules in force are those of %.8s, which is not in this clone: fetch the whole history (fetch-depth: 0)", rules.Commit)
		}
		if out.Config, err = g.Config(ctx, rules.Commit); err != nil {
			return nil, fmt.Errorf("the rules in force, of %.8s: %w", rules.Commit, err)
		}
		out.Rules = *rules
	}
	out.InForce = RulesDigest(out.Config)
	if err := g.open(ctx, out.Config); err != nil {
		return nil, err
	}
	if out.Branch, err = g.branch(ctx, head, out.Rules.Protection); err != nil {
		return nil, err
	}
	changed, err := g.History.Changed(ctx, head, below, except...)
	if err != nil {
		return nil, fmt.Errorf("comparing the work tree with %.8s: %w", head, err)
	}
	if len(changed) > 0 {
		return nil, fmt.Errorf("the work tree is not what %.8s has: %s. Apply from a clean checkout", head, strings.Join(changed, ", "))
	}
	return out, nil
}

// open opens the forge, unless it is open.
func (g *Gatherer) open(ctx context.Context, config *lang.Config) (err error) {
	if g.Forge == nil {
		g.Forge, err = g.Open(ctx, config)
	}
	return err
}

// branch is the protected branch that has a commit: as git has it here, and the forge says.
func (g *Gatherer) branch(ctx context.Context, commit string, protection *state.Protection) (string, error) {
	var patterns []string
	if protection != nil {
		patterns = protection.Branches
	}
	protected := slices.DeleteFunc(g.History.Branches(), func(name string) bool { return !isProtected(patterns, name) })
	if len(protected) == 0 {
		return "", fmt.Errorf("there is no protected branch in this clone: the protection names %s", strings.Join(patterns, ", "))
	}
	for _, name := range protected {
		in, err := g.History.Contains(ctx, g.History.Branch(name), commit)
		if err != nil {
			return "", fmt.Errorf("looking whether branch %q has %.8s: %w", name, commit, err)
		}
		if !in {
			continue
		}
		in, err = g.Forge.Contains(ctx, name, commit)
		if err != nil && !errors.Is(err, providers.ErrNotFound) {
			return "", fmt.Errorf("asking the forge whether branch %q has %.8s: %w", name, commit, err)
		}
		if in {
			return name, nil
		}
	}
	return "", fmt.Errorf("%.8s is on no protected branch (%s), as git has it here and the forge says", commit, strings.Join(protected, ", "))
}

// isProtected reports whether a branch is one of those that are applied from.
func isProtected(patterns []string, name string) bool {
	return patterns == nil || slices.ContainsFunc(patterns, func(pattern string) bool {
		compiled, err := glob.Compile(pattern, '/')
		return pattern == name || err == nil && compiled.Match(name)
	})
}

// requirement is what the rules in force ask for.
func (g *Gatherer) requirement(s *Standing) approval.Requirement {
	out := approval.Requirement{Branch: s.Branch, Rules: s.InForce, Roles: access.Roles(s.Config), Trust: &s.Config.Settings.Identity, Now: g.Now()}
	if s.Rules.Protection != nil {
		out.Protection = *s.Rules.Protection
	}
	return out
}
