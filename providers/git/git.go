// Package git reads git repositories over https, http, ssh, the git protocol
// and from this machine's disk, without the git program.
//
// A repository on the network is kept as a bare mirror in a cache directory,
// which all processes of a user share: one fetch per repository and plan brings
// what is new. A repository on disk is read where it is. Files are read
// straight from the object database, each checked against its hash; there is
// never a work tree. No git or ssh configuration is read, and nothing is
// executed.
package git

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/tree"
	"github.com/gantrycd/gantry/providers/web"
)

// Options configure a Source. What comes from a user's environment is given
// here: this package reads no environment.
type Options struct {
	// CacheDir holds the mirrors; it is made when it is missing. The mirrors
	// hold what private repositories hold, so it is readable by its owner only.
	CacheDir string
	// KnownHosts are the known_hosts files used where a location's Auth has none,
	// such as ~/.ssh/known_hosts. Those that do not exist are passed over.
	KnownHosts []string
	// SSHAuthSock is the socket of the ssh agent, used where a location has no
	// Auth; empty is no agent.
	SSHAuthSock string
	// Proxy chooses the proxy of http(s) requests; nil is none.
	Proxy web.Proxy
	// Hosts may be spoken to; nil is all. Where it is set, no repository on this machine's
	// disk is read.
	Hosts *web.Hosts
	// Offline says that no server is to be asked: of repositories on the network only
	// the commits that the cache has can be read, by their full ids; others fail with
	// providers.ErrNotCached.
	Offline bool
	// Limits bound what is read; zero values are the defaults.
	Limits Limits
	// Now is the time at which signatures are judged; nil is time.Now.
	Now func() time.Time
}

// Limits bound what is read of a repository.
type Limits struct {
	FileBytes  int64 // of one file that is read: 64 MiB
	Files      int   // files and directories that are looked at in one snapshot: 500,000
	FetchBytes int64 // of one fetch: 8 GiB
}

// The default limits.
const (
	DefaultFileBytes  = 64 << 20
	DefaultFiles      = 500_000
	DefaultFetchBytes = 8 << 30
)

// Source opens git locations. It is safe for concurrent use, and serves one
// plan: each repository is fetched at most once.
type Source struct {
	options Options

	mu           sync.Mutex
	repositories map[repositoryKey]*repository
}

type repositoryKey struct {
	address address
	auth    source.Auth
}

var _ providers.Source = (*Source)(nil)

// New returns a Source.
func New(options Options) *Source {
	if options.Now == nil {
		options.Now = time.Now
	}
	limits := &options.Limits
	if limits.FileBytes == 0 {
		limits.FileBytes = DefaultFileBytes
	}
	if limits.Files == 0 {
		limits.Files = DefaultFiles
	}
	if limits.FetchBytes == 0 {
		limits.FetchBytes = DefaultFetchBytes
	}
	return &Source{options: options, repositories: map[repositoryKey]*repository{}}
}

// Open reads a repository at a revision: a branch, tag, commit (also
// abbreviated), "refs/…" name, semver range over the tags, or the default
// branch when it is empty or HEAD. A name that is both a tag and a branch is the
// tag, as in git.
func (s *Source) Open(ctx context.Context, location source.Location) (*providers.Snapshot, error) {
	if location.Type != source.Git {
		return nil, fmt.Errorf("%w: a %q location is not a git repository", providers.ErrUnsupported, location.Type)
	}
	if location.Chart != "" {
		return nil, fmt.Errorf("%w: a git location has a path, not a chart", providers.ErrUnsupported)
	}
	at, err := parseAddress(location.URL)
	if err != nil {
		return nil, err
	}
	if at.scheme == "file" && s.options.Hosts != nil {
		return nil, fmt.Errorf("git repository %s is on this machine's disk, which is %w", at.name, web.ErrHost)
	}
	repository := s.repository(at, location.Auth)
	found, err := repository.open(ctx, location.Revision)
	if err != nil {
		return nil, fmt.Errorf("git repository %s: %w", at.name, err)
	}
	return &providers.Snapshot{
		Pin:    source.Pin{Location: location, Resolved: found.commit.String()},
		Ref:    found.ref,
		FS:     found.files,
		Signed: &signed{repository: repository, opened: found},
	}, nil
}

func (s *Source) repository(at address, auth *source.Auth) *repository {
	key := repositoryKey{address: at}
	if auth != nil {
		key.auth = *auth
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repositories[key]
	if r == nil {
		r = &repository{
			address: at, auth: auth, options: s.options,
			turn: make(chan struct{}, 1), trees: map[plumbing.Hash]*tree.FS{},
		}
		s.repositories[key] = r
	}
	return r
}

// Close closes the files of the mirrors. Snapshots of the Source cannot be read
// after it. The zero value of nothing is kept: a Source need not be closed
// before the process ends.
func (s *Source) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, r := range s.repositories {
		errs = append(errs, r.close())
	}
	return errors.Join(errs...)
}
