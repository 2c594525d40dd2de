package eval

import (
	"context"
	"errors"
	"regexp"

	"github.com/gantrycd/gantry/plan/target"
)

// ForgeReader is a Reader that can ask forges, too. Its errors hold no credentials.
type ForgeReader interface {
	// ReadPulls returns the pull requests of a repository that are open.
	ReadPulls(ctx context.Context, place ForgePlace) ([]Pull, error)
	// ReadRepositories returns the branches of repositories of an owner that a query asks
	// for.
	ReadRepositories(ctx context.Context, place ForgePlace, query RepositoryQuery) ([]RepositoryBranch, error)
}

// ForgePlace says what is asked of which forge.
type ForgePlace struct {
	Type     string // "github", "gitlab", "gitea", "forgejo", "bitbucket" or "bitbucket_data_center"
	URL      string // empty for the public service
	Name     string // of a repository, "owner/name", or of an owner
	Username string
	Token    target.Credential
	App      *ForgeApp // that asks in place of a token; nil for none
	CAData   string    // PEM
}

// ForgeApp is an app of a forge, GitHub's.
type ForgeApp struct {
	ID           string
	Installation string // empty: the one of the repository or owner
	Key          target.Credential
}

// Pull is a pull request that is open.
type Pull struct {
	Number       int64
	Title        string
	Author       string
	Branch, Head string
	Target       string // the branch that it is to be merged into
	Labels       []string
	Fork         bool // its branch is in another repository
}

// RepositoryQuery says which repositories are meant, and which of their branches.
type RepositoryQuery struct {
	AllBranches bool               // not the default one alone
	Filters     []RepositoryFilter // one of them must be met; none is all
}

// RepositoryFilter is met by what has all of it.
type RepositoryFilter struct {
	Name    *regexp.Regexp // of the repository, without its owner; nil is any
	Label   *regexp.Regexp // one of its topics
	Branch  *regexp.Regexp
	Paths   []string // that the branch has
	NoPaths []string // that it has not
}

// RepositoryBranch is a branch of a repository.
type RepositoryBranch struct {
	ID           string // the forge's
	Repository   string // owner/name
	URL, SSHURL  string
	Branch, Head string
	Labels       []string
}

var errNoForge = errors.New("no forge can be asked here")

// ReadPulls asks a forge through the Reader, which there must be.
func (e *Evaluation) ReadPulls(place ForgePlace) ([]Pull, error) {
	reader, ok := e.reader.(ForgeReader)
	if !ok {
		return nil, errNoForge
	}
	return reader.ReadPulls(e.ctx, place)
}

// ReadRepositories asks a forge through the Reader, which there must be.
func (e *Evaluation) ReadRepositories(place ForgePlace, query RepositoryQuery) ([]RepositoryBranch, error) {
	reader, ok := e.reader.(ForgeReader)
	if !ok {
		return nil, errNoForge
	}
	return reader.ReadRepositories(e.ctx, place, query)
}
