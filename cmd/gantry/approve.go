package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/engine/against"
	"github.com/gantrycd/gantry/engine/gitreviews"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/signature"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/git/clone"
)

// approveOptions are the flags of approve.
type approveOptions struct {
	head, base, signKey string
	withdraw, oppose    bool
}

func newApprove(c *cli) *cobra.Command {
	var in inputs
	var options approveOptions
	command := &cobra.Command{
		Use:   "approve",
		Short: "Approve a commit, where there is no forge to do that",
		Long: `Signs a review of a commit and gives it to the repository that the clone came from, as a tag.
It is for repositories without a forge: those with forge "git" in the block gantry. Elsewhere
reviews are given at the forge.

The key must be one of the SSH keys that the identity block of the protected branch lists; its
name is the reviewer's, and its groups are theirs. The review is of that one commit: of what is
pushed after it, it says nothing. Of what one reviewer says of a commit, the last counts.`,
		Example: `  gantry approve --sign-key ~/.ssh/id_ed25519
  gantry approve --head 4c0ffee1 --sign-key ~/.ssh/id_ed25519
  gantry approve --request-changes --sign-key ~/.ssh/id_ed25519
  gantry approve --withdraw --sign-key ~/.ssh/id_ed25519`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			switch {
			case options.signKey == "":
				err = errors.New("say which key signs: --sign-key FILE")
			case options.withdraw && options.oppose:
				err = errors.New("--withdraw takes back what was said, and --request-changes says something: leave one of them away")
			}
			if err != nil {
				return &usageError{command: cmd.CommandPath(), err: err}
			}
			return c.approve(cmd.Context(), &in, options)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	in.register(c, command)
	flags := command.Flags()
	flags.StringVar(&options.head, "head", "HEAD", "the `commit` that is approved")
	flags.StringVar(&options.base, "base", "", "the `branch` whose configuration lists the keys (default: the repository's default branch)")
	flags.StringVar(&options.signKey, "sign-key", "", "sign with the SSH key in this `file`, whose passphrase is in GANTRY_SIGN_PASSPHRASE")
	flags.BoolVar(&options.withdraw, "withdraw", false, "take back what was said of the commit")
	flags.BoolVar(&options.oppose, "request-changes", false, "say that the commit must not be applied as it is")
	complete(command, "head", fixedCompletions("HEAD"))
	complete(command, "base", fixedCompletions("main"))
	return command
}

// approved is a review that was given.
type approved struct {
	Commit   string                  `json:"commit"`
	Title    string                  `json:"title"`
	Base     string                  `json:"base"`
	Reviewer string                  `json:"reviewer"`
	Verdict  providers.ReviewVerdict `json:"verdict"`
}

func (c *cli) approve(ctx context.Context, in *inputs, options approveOptions) (err error) {
	g, err := c.gather(in)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	base := cmp.Or(options.base, defaultBranch(g))
	tip := g.History.Branch(base)
	if tip == "" {
		return failure("Review cannot be given", fmt.Errorf("the branch %q is not in this clone, and its configuration says who reviews: fetch it, or name another with --base", base))
	}
	// Whose keys count is never what the commit itself says.
	config, err := g.Config(ctx, tip)
	if err != nil {
		return failure("Review cannot be given", fmt.Errorf("the configuration of %q: %w", base, err))
	}
	if said := config.Settings.Forge; said == nil || said.Type != govern.NoForge {
		return failure("Review cannot be given", fmt.Errorf("the configuration of %q has no forge \"git\" in its block gantry: where there is a forge, reviews are given there", base))
	}
	forge, err := c.gitReviews(config, g.repository)
	if err != nil {
		return err
	}
	signer, err := signature.LoadSigner(options.signKey, object.Sensitive(c.getenv("GANTRY_SIGN_PASSPHRASE")))
	if err != nil {
		return failure("Review cannot be signed", err)
	}
	commit, err := c.cloneOf(g.repository).Resolve(ctx, options.head)
	if err != nil {
		return failure("Review cannot be given", fmt.Errorf("--head: %w", err))
	}
	pulls, err := forge.Pulls(ctx, commit)
	if err != nil {
		return failure("Review cannot be given", err)
	}
	if len(pulls) == 0 {
		return failure("Review cannot be given", fmt.Errorf("this clone has no commit %s", commit))
	}
	out := approved{Commit: commit, Title: pulls[0].Title, Base: pulls[0].Base, Verdict: providers.Approved}
	switch {
	case options.withdraw:
		out.Verdict = providers.Dismissed
	case options.oppose:
		out.Verdict = providers.ChangesRequested
	}
	if out.Reviewer, err = forge.Put(ctx, commit, out.Verdict, signer); err != nil {
		return failure("Review cannot be given", err)
	}
	if c.json {
		return c.writeJSON(out)
	}
	did := map[providers.ReviewVerdict]string{providers.Approved: "approves", providers.Dismissed: "takes back what was said of", providers.ChangesRequested: "asks for changes of"}
	_, err = fmt.Fprintf(c.out, "%s %s %.8s for %s: %s\n", printable(out.Reviewer), did[out.Verdict], commit, printable(out.Base), printable(out.Title))
	return err
}

// gitReviews is the repository of a configuration that is at no forge.
func (c *cli) gitReviews(config *lang.Config, repository *against.Repository) (*gitreviews.Forge, error) {
	base := cmp.Or(config.Settings.Forge.Branch, repository.Default(), "main")
	forge, err := gitreviews.New(c.cloneOf(repository), base, &config.Settings.Identity, time.Now)
	if err != nil {
		return nil, failure("Forge cannot be used", err)
	}
	return forge, nil
}

func (c *cli) cloneOf(repository *against.Repository) *clone.Clone {
	return &clone.Clone{Root: repository.Root(), Env: c.environ()}
}

// withoutForge is what stands for a forge where a configuration says that there is none.
func (c *cli) withoutForge(config *lang.Config) (providers.Forge, error) {
	dir, err := c.directory()
	if err != nil {
		return nil, err
	}
	repository, err := against.OpenRepository(dir)
	if err != nil {
		return nil, failure("No git repository", err)
	}
	return c.gitReviews(config, repository)
}
