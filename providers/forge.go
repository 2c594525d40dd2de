package providers

import (
	"context"
	"time"

	"github.com/gantrycd/gantry/plan/object"
)

// Forge is one repository at a place that has pull requests: GitHub, GitLab, Gitea, Forgejo,
// Bitbucket. It is safe for concurrent use. It waits where the service says that there were
// too many requests, and repeats only what may be repeated. Errors are one of the typed
// errors of this package where the reason is known, and never hold a credential.
//
// What a person wrote (titles, names of branches, comments) is untrusted text: whoever shows
// it escapes it.
type Forge interface {
	// Pulls returns the pull requests that have the commit as their head or were merged as
	// it: open ones and merged ones, none that was closed without that. A commit that
	// several were merged by (a merge queue's) has several.
	Pulls(ctx context.Context, commit string) ([]PullRequest, error)
	// Pull returns one pull request.
	Pull(ctx context.Context, number int64) (*PullRequest, error)
	// OpenPulls returns those that are open, the newest first.
	OpenPulls(ctx context.Context) ([]PullRequest, error)
	// Reviews returns what was said of a pull request, the oldest first: of each person
	// every verdict, also those that no longer count.
	Reviews(ctx context.Context, number int64) ([]Review, error)
	// Member reports whether a person belongs to a group: "team" of the repository's
	// owner, or "organization:team". A group that is not there is ErrNotFound.
	Member(ctx context.Context, group, login string) (bool, error)
	// Contains reports whether a branch of the repository has the commit.
	Contains(ctx context.Context, branch, commit string) (bool, error)

	// Comment writes the comment that has the marker in its first line: it replaces the
	// one that the same account wrote before, or adds one. A comment of anybody else is left
	// alone, whatever its first line says. The body is Markdown within MaxComment.
	Comment(ctx context.Context, number int64, marker, body string) (Comment, error)
	// MaxComment is how many characters a comment may have.
	MaxComment() int
	// Check shows a result on a commit, in place of the one of the same name.
	Check(ctx context.Context, commit string, check Check) error
	// Label adds and removes labels of a pull request; a label that is not there is made.
	Label(ctx context.Context, number int64, add, remove []string) error
	// Propose opens a pull request, or returns the open one from the same branch.
	Propose(ctx context.Context, proposal Proposal) (*PullRequest, error)
}

// PullRequest is one, as it is now.
type PullRequest struct {
	Number int64  `json:"number"`
	Title  string `json:"title"`
	Author string `json:"author"` // the login
	URL    string `json:"url"`
	// Head is the newest commit, and Branch the name it is on, in the repository HeadRepository
	// ("owner/name"): another one than the pull request's own where Fork is set.
	Head           string   `json:"head"`
	Branch         string   `json:"branch"`
	HeadRepository string   `json:"headRepository,omitempty"`
	Fork           bool     `json:"fork,omitempty"`
	Base           string   `json:"base"` // the branch that it is to be merged into
	Labels         []string `json:"labels,omitempty"`
	Draft          bool     `json:"draft,omitempty"`
	Open           bool     `json:"open"`
	Merged         bool     `json:"merged"`
	// MergedAs is the commit that the base has of it; empty where it was not merged.
	MergedAs  string    `json:"mergedAs,omitempty"`
	CreatedAt time.Time `json:"createdAt,omitzero"`
}

// ReviewVerdict is what a review says.
type ReviewVerdict string

// The verdicts.
const (
	Approved         ReviewVerdict = "approved"
	ChangesRequested ReviewVerdict = "changes requested"
	Commented        ReviewVerdict = "commented"
	Dismissed        ReviewVerdict = "dismissed" // it said something else, and was taken back
)

// Review is what one person said of one commit.
type Review struct {
	Login   string        `json:"login"`
	Verdict ReviewVerdict `json:"verdict"`
	// Commit is the head that was reviewed; empty where the forge does not say, so that
	// the review counts for no commit.
	Commit string    `json:"commit,omitempty"`
	At     time.Time `json:"at"`
	// Stale: the forge says that it does not count for the head that is there now.
	Stale bool `json:"stale,omitempty"`
}

// Comment is what was written.
type Comment struct {
	ID      string `json:"id"`
	URL     string `json:"url"`
	Created bool   `json:"created"` // no comment was there before
}

// CheckState is how a check ended.
type CheckState string

// The states.
const (
	CheckPending CheckState = "pending"
	CheckSuccess CheckState = "success"
	CheckFailure CheckState = "failure"
	CheckNeutral CheckState = "neutral"
)

// Check is a result that is shown on a commit.
type Check struct {
	Name    string // the same each time: "gantry/plan"
	State   CheckState
	Title   string // one line
	Summary string // Markdown; forges without a place for it leave it out
	URL     string // where there is more
	// Annotations are shown at the lines they are about, as many as the forge takes, the
	// worst first. Forges that have none leave them out.
	Annotations []Annotation
}

// Annotation is a remark on a line of a file.
type Annotation struct {
	Path    string // from the repository's root, with slashes
	Line    int    // 1 and upwards
	EndLine int    // 0: the same line
	Level   string // "error", "warning" or "notice"
	Title   string
	Message string
}

// Proposal is a pull request to be opened.
type Proposal struct {
	Title, Body string
	Branch      string // exists already
	Base        string
	Labels      []string
	Draft       bool
}

// ForgePlace says what is meant at which forge, and who asks.
type ForgePlace struct {
	Type     string // "github", "gitlab", "gitea", "forgejo", "bitbucket" or "bitbucket_data_center"
	URL      string // empty for the public service
	Name     string // of a repository, "owner/name", or of an owner
	Username string // whose the token is, for forges that want that beside it
	Token    object.Sensitive
	App      *ForgeApp // that asks in place of a token; nil for none
	CAData   string    // PEM; empty for the system's roots
}

// ForgeApp is an app of a forge: it has no token, but a key that it gets some with.
type ForgeApp struct {
	ID           string           // or the client ID
	Installation string           // empty: the one of the repository or owner
	Key          object.Sensitive // private, in PEM
}

// Forges opens what is at forges. Nothing is asked of them by that.
type Forges interface {
	Repository(place ForgePlace) (Forge, error)
	Owner(place ForgePlace) (ForgeOwner, error)
}

// ForgeOwner is whom repositories belong to: an organization, a group with those below it, a
// workspace, or a person. It is safe for concurrent use.
type ForgeOwner interface {
	// Repositories returns all that the account may see, archived ones left out, sorted by
	// name. An owner that is not there is ErrNotFound.
	Repositories(ctx context.Context) ([]ForgeRepository, error)
	// Branches returns the branches of a repository, sorted by name.
	Branches(ctx context.Context, repository string) ([]ForgeBranch, error)
	// Branch returns one branch of a repository, or ErrNotFound.
	Branch(ctx context.Context, repository, name string) (*ForgeBranch, error)
	// HasPath reports whether a commit of a repository has a file or folder.
	HasPath(ctx context.Context, repository, commit, path string) (bool, error)
}

// ForgeRepository is a repository of an owner.
type ForgeRepository struct {
	ID            string   `json:"id"`
	Name          string   `json:"name"` // owner/name
	URL           string   `json:"url"`  // that it is cloned by, over https
	SSHURL        string   `json:"sshURL,omitempty"`
	DefaultBranch string   `json:"defaultBranch,omitempty"` // empty where there is no commit yet
	Labels        []string `json:"labels,omitempty"`        // topics
}

// ForgeBranch is a branch, and its newest commit.
type ForgeBranch struct {
	Name string `json:"name"`
	Head string `json:"head"`
}
