package bitbucket

import (
	"context"
	"net/url"
	"time"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/rest"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

type participant struct {
	User     *account  `json:"user"`
	Approved bool      `json:"approved"`
	State    string    `json:"state"` // "approved", "changes_requested" or null
	At       time.Time `json:"participated_on"`
}

// activity is one thing that happened to a pull request: one of its members is set.
type activity struct {
	Update *struct {
		At     time.Time `json:"date"`
		Source endpoint  `json:"source"`
	} `json:"update"`
	Approval         *said `json:"approval"`
	ChangesRequested *said `json:"changes_requested"`
}

type said struct {
	At   time.Time `json:"date"`
	User *account  `json:"user"`
}

// Reviews implements providers.Forge. Whose approval counts now, the pull request says; what
// else was said, its activity.
func (f *Forge) Reviews(ctx context.Context, number int64) ([]providers.Review, error) {
	var pull pullRequest
	if err := f.api.Get(ctx, f.pull(number), nil, &pull); err != nil {
		return nil, err
	}
	var all []activity
	err := list(ctx, f.api, f.pull(number)+"/activity", url.Values{}, rest.MaxPages, false, func(a activity) bool {
		all = append(all, a)
		return true
	})
	if err != nil {
		return nil, err
	}
	heads, err := f.heads(ctx, &pull, all)
	if err != nil {
		return nil, err
	}
	stands := map[string]providers.ReviewVerdict{}
	for _, p := range pull.Participants {
		switch {
		case p.Approved || p.State == "approved":
			stands[p.User.id()] = providers.Approved
		case p.State == "changes_requested":
			stands[p.User.id()] = providers.ChangesRequested
		}
	}
	var out []providers.Review
	add := func(s *said, verdict providers.ReviewVerdict) {
		if s == nil || s.User.id() == "" {
			return
		}
		if stands[s.User.id()] != verdict { // it was taken back, or something else was said since
			verdict = providers.Dismissed
		}
		out = append(out, providers.Review{Login: s.User.id(), Verdict: verdict, Commit: shape.HeadAt(heads, s.At), At: s.At})
	}
	for _, a := range all {
		add(a.Approval, providers.Approved)
		add(a.ChangesRequested, providers.ChangesRequested)
	}
	return shape.InOrder(out), nil
}

// heads returns which heads a pull request had, and since when.
func (f *Forge) heads(ctx context.Context, pull *pullRequest, all []activity) ([]shape.Line, error) {
	home := f.path
	if pull.Source.Repository != nil {
		home = "2.0/repositories/" + rest.EscapePath(pull.Source.Repository.FullName)
	}
	var lines []shape.Line
	for _, a := range all {
		if a.Update == nil || a.Update.Source.Commit == nil {
			continue
		}
		head, err := f.wholeID(ctx, home, a.Update.Source.Commit.Hash)
		if err != nil {
			return nil, err
		}
		lines = append(lines, shape.Line{Head: head, Since: a.Update.At})
	}
	return lines, nil
}
