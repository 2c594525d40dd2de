package gitlab

import (
	"context"
	"net/url"
	"time"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/rest"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

// What GitLab itself writes into a merge request; nobody else can write notes of the system.
const (
	noteApproved   = "approved this merge request"
	noteUnapproved = "unapproved this merge request"
	noteRequested  = "requested changes"
)

type note struct {
	System  bool      `json:"system"`
	Body    string    `json:"body"`
	Author  *user     `json:"author"`
	Created time.Time `json:"created_at"`
}

// Reviews implements providers.Forge. Whose approval counts now, GitLab says; of those that
// were taken back or reset, its notes tell. A request for changes that was taken back is
// told of all the same, before what came after it.
func (f *Forge) Reviews(ctx context.Context, number int64) ([]providers.Review, error) {
	var approvals struct {
		By []struct {
			User *user     `json:"user"`
			At   time.Time `json:"approved_at"`
		} `json:"approved_by"`
	}
	if err := f.api.Get(ctx, f.pull(number)+"/approvals", nil, &approvals); err != nil {
		return nil, err
	}
	heads, err := f.heads(ctx, number)
	if err != nil {
		return nil, err
	}
	notes, err := rest.All[note](ctx, f.api, pages(), f.pull(number)+"/notes", url.Values{"sort": {"asc"}, "order_by": {"created_at"}})
	if err != nil {
		return nil, err
	}
	approved := map[int64]bool{}
	var out []providers.Review
	for _, by := range approvals.By {
		if by.User == nil {
			continue
		}
		approved[by.User.ID] = true
		at := by.At
		if at.IsZero() {
			at = last(notes, by.User.ID, noteApproved)
		}
		out = append(out, providers.Review{Login: by.User.Login, Verdict: providers.Approved, Commit: shape.HeadAt(heads, at), At: at})
	}
	for _, n := range notes {
		if !n.System || n.Author == nil {
			continue
		}
		review := providers.Review{Login: n.Author.Login, Commit: shape.HeadAt(heads, n.Created), At: n.Created}
		switch {
		case n.Body == noteRequested:
			review.Verdict = providers.ChangesRequested
		case n.Body == noteApproved && !approved[n.Author.ID], n.Body == noteUnapproved:
			review.Verdict = providers.Dismissed
		default:
			continue
		}
		out = append(out, review)
	}
	return shape.InOrder(out), nil
}

// last returns when a person last was noted to have done something; zero for never.
func last(notes []note, id int64, body string) time.Time {
	var at time.Time
	for _, n := range notes {
		if n.System && n.Author != nil && n.Author.ID == id && n.Body == body && n.Created.After(at) {
			at = n.Created
		}
	}
	return at
}

// heads returns which heads the merge request had, and since when.
func (f *Forge) heads(ctx context.Context, number int64) ([]shape.Line, error) {
	type version struct {
		Head    string    `json:"head_commit_sha"`
		Created time.Time `json:"created_at"`
	}
	var lines []shape.Line
	err := rest.List(ctx, f.api, pages(), f.pull(number)+"/versions", nil, func(v version) bool {
		lines = append(lines, shape.Line{Head: v.Head, Since: v.Created})
		return true
	})
	return lines, err
}
