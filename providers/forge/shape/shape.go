// Package shape is what clients of forges have in common beyond HTTP: how a repository and a
// group are written, how a comment is marked and found again, in which order reviews are.
//
// It speaks to nothing. Clients in providers/forge import it, and nothing else does.
package shape

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/web"
)

// Account is a forge, and who asks it.
type Account struct {
	// URL is that of the API; empty for the public service's.
	URL   string
	Token object.Sensitive // empty to ask as nobody
	App   *App             // of GitHub, that asks in place of a token; nil for none
	// Username is whose the token is, for forges that want it beside the token.
	Username string
	// Job says that the token is the one that a CI system gives a job, which logs in
	// another way than others do.
	Job    bool
	CAData string // PEM; empty for the system's roots
	Proxy  web.Proxy
}

// App is an app of a forge.
type App = providers.ForgeApp

// SplitRepository splits "owner/name", where an owner may have parts: "group/subgroup/name".
func SplitRepository(repository string) (owner, name string, err error) {
	parts := strings.Split(repository, "/")
	for _, part := range parts {
		if part == "" || part == "." || part == ".." || strings.ContainsAny(part, " \t\r\n?#%\\:") {
			parts = nil
			break
		}
	}
	if len(parts) < 2 {
		return "", "", fmt.Errorf("the repository %q must be written as owner/name: %w", repository, providers.ErrInvalid)
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], "/"), parts[last], nil
}

// SplitGroup splits "team" and "organization:team"; the organization is owner where there is
// none.
func SplitGroup(group, owner string) (organization, team string, err error) {
	organization, team, found := strings.Cut(group, ":")
	if !found {
		organization, team = owner, group
	}
	if organization == "" || team == "" || strings.Contains(team, ":") {
		return "", "", fmt.Errorf("the group %q must be written as team, or as organization:team: %w", group, providers.ErrInvalid)
	}
	return organization, team, nil
}

// IsLogin reports whether a text can be somebody's login: what has a slash in it would be
// another path.
func IsLogin(login string) bool {
	return login != "" && login != "." && login != ".." && !strings.ContainsAny(login, "/\\?#%")
}

var commit = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// CheckCommit refuses what is not the whole id of a commit: the name of a branch would be
// looked up as one.
func CheckCommit(id string) error {
	if !commit.MatchString(id) {
		return fmt.Errorf("%q is no id of a commit, which has 40 or 64 hexadecimal digits: %w", id, providers.ErrInvalid)
	}
	return nil
}

// Marked is a comment with its marker, if that is not longer than the forge takes.
func Marked(marker, body string, most int) (string, error) {
	if marker == "" || strings.ContainsAny(marker, "\r\n") {
		return "", fmt.Errorf("a marker is one line: %w", providers.ErrInvalid)
	}
	text := marker + "\n" + body
	if n := utf8.RuneCountInString(text); n > most {
		return "", fmt.Errorf("the comment has %d characters, and the forge takes %d: %w", n, most, providers.ErrInvalid)
	}
	return text, nil
}

// IsMarked reports whether a comment has the marker in its first line.
func IsMarked(text, marker string) bool {
	first, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(first) == marker
}

// InOrder sorts reviews by their times, the oldest first.
func InOrder(reviews []providers.Review) []providers.Review {
	slices.SortStableFunc(reviews, func(a, b providers.Review) int { return a.At.Compare(b.At) })
	return reviews
}

// Newest sorts pull requests by their numbers, the newest first, and leaves out those that
// are there twice.
func Newest(pulls []providers.PullRequest) []providers.PullRequest {
	slices.SortStableFunc(pulls, func(a, b providers.PullRequest) int { return int(min(1, max(-1, b.Number-a.Number))) })
	return slices.CompactFunc(pulls, func(a, b providers.PullRequest) bool { return a.Number == b.Number })
}

// Concerns reports whether a commit is the head of a pull request that is open or merged, or
// what it was merged as.
func Concerns(p *providers.PullRequest, commit string) bool {
	return (p.Open || p.Merged) && p.Head == commit || p.Merged && p.MergedAs == commit
}

// Line is one of the versions of a pull request: a head, and since when it is that.
type Line struct {
	Head  string
	Since time.Time
}

// HeadAt returns which head was there at a time; empty where that cannot be told. A head that
// came at the very time does not count as there: nobody can have looked at it.
func HeadAt(lines []Line, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	head, since := "", time.Time{}
	for _, line := range lines {
		if line.Since.Before(at) && (head == "" || line.Since.After(since)) {
			head, since = line.Head, line.Since
		}
	}
	return head
}
