package post

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"github.com/gantrycd/gantry/providers"
)

var commit = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// Commit is the commit that a message is about: the path of its repository on its host,
// such as "example/config", and its id. It is an error where there is none.
func Commit(f providers.Facts) (path, id string, err error) {
	if !commit.MatchString(f.Revision) {
		return "", "", Refuse(errors.New("the application was not delivered from a commit, so that there is nothing to give a status to"))
	}
	text := f.Repository
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		path = u.Path
	} else if _, after, ok := strings.Cut(text, ":"); ok && !strings.Contains(text, "://") { // git@host:path
		path = after
	}
	path = strings.TrimSuffix(strings.Trim(path, "/"), ".git")
	if !strings.Contains(path, "/") || strings.Contains(path, "..") {
		return "", "", Refuse(errors.New("the URL of the application's repository does not say whose it is"))
	}
	return path, f.Revision, nil
}

// State is how far a delivery is, in words that the hosts of repositories have for it.
func State(m *providers.Notification, pending, running, succeeded, failed string) string {
	switch {
	case m.Resolves:
		return succeeded
	case m.Level == providers.LevelError:
		return failed
	case m.Facts.Phase == "running":
		return running
	case m.Facts.Phase == "succeeded", m.Level == providers.LevelSuccess:
		return succeeded
	case m.Facts.Phase == "failed", m.Facts.Phase == "error":
		return failed
	}
	return pending
}
