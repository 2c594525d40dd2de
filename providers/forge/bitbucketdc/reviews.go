package bitbucketdc

import (
	"context"
	"slices"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/rest"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

// activity is one thing that happened to a pull request.
type activity struct {
	Action   string       `json:"action"`
	At       milliseconds `json:"createdDate"`
	User     user         `json:"user"`
	From     string       `json:"fromHash"`         // of RESCOPED: the head since then
	Before   string       `json:"previousFromHash"` // of RESCOPED: the head until then
	Comment  *comment     `json:"comment"`          // of COMMENTED
	Comments string       `json:"commentAction"`    // of COMMENTED: ADDED, …
	Commit   *struct {
		ID string `json:"id"`
	} `json:"commit"` // of MERGED
}

// activities returns what happened to a pull request, the oldest first.
func (f *Forge) activities(ctx context.Context, number int64) ([]activity, error) {
	var all []activity
	err := list(ctx, f.api, f.pull(number)+"/activities", nil, rest.MaxPages, false, func(a activity) bool {
		all = append(all, a)
		return true
	})
	slices.Reverse(all) // the newest come first
	slices.SortStableFunc(all, func(a, b activity) int { return a.At.time().Compare(b.At.time()) })
	return all, err
}

// Reviews implements providers.Forge. Who approves now, and which commit they reviewed, the
// pull request says; when they did, and what else was said, its activities.
func (f *Forge) Reviews(ctx context.Context, number int64) ([]providers.Review, error) {
	var pull pullRequest
	if err := f.api.Get(ctx, f.pull(number), nil, &pull); err != nil {
		return nil, err
	}
	all, err := f.activities(ctx, number)
	if err != nil {
		return nil, err
	}
	heads := headsOf(&pull, all)
	verdicts := map[string]providers.ReviewVerdict{"APPROVED": providers.Approved, "REVIEWED": providers.ChangesRequested}
	stands := map[string]participant{}
	for _, p := range append(slices.Clone(pull.Participants), pull.Reviewers...) {
		stands[p.User.Name] = p
	}
	last := map[string]int{} // which of the reviews of a person is the last
	var out []providers.Review
	for _, a := range all {
		verdict, ok := verdicts[a.Action]
		if !ok || a.User.Name == "" {
			continue
		}
		last[a.User.Name] = len(out)
		out = append(out, providers.Review{Login: a.User.Name, Verdict: verdict, Commit: shape.HeadAt(heads, a.At.time()), At: a.At.time()})
	}
	for i := range out {
		now, review := stands[out[i].Login], &out[i]
		status := map[string]providers.ReviewVerdict{"APPROVED": providers.Approved, "NEEDS_WORK": providers.ChangesRequested}[now.Status]
		switch {
		case last[review.Login] != i || status != review.Verdict: // it was taken back, or something else was said since
			review.Verdict = providers.Dismissed
		case now.LastReviewed != review.Commit: // of which of them it is, is not sure
			review.Commit = ""
		}
	}
	return shape.InOrder(out), nil
}

// headsOf returns which heads a pull request had, and since when. Where the target alone has
// moved the head is the same.
func headsOf(pull *pullRequest, all []activity) []shape.Line {
	lines := []shape.Line{{Head: pull.From.Commit, Since: pull.Created.time()}}
	first := true
	for _, a := range all {
		if a.Action != "RESCOPED" || a.From == "" {
			continue
		}
		if first {
			lines[0].Head, first = a.Before, false
		}
		if a.From != a.Before {
			lines = append(lines, shape.Line{Head: a.From, Since: a.At.time()})
		}
	}
	return lines
}
