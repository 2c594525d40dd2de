package gitlab

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/rest"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

// self returns the id of the account that the token is of.
func (f *Forge) self(ctx context.Context) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.me != 0 {
		return f.me, nil
	}
	var got user
	if err := f.api.Get(ctx, "user", nil, &got); err != nil {
		return 0, fmt.Errorf("who the token is of (a job's token cannot write comments; make a project access token): %w", err)
	}
	if got.ID == 0 {
		return 0, fmt.Errorf("who the token is of is %w", providers.ErrNotFound)
	}
	f.me = got.ID
	return f.me, nil
}

type written struct {
	ID     int64  `json:"id"`
	System bool   `json:"system"`
	Body   string `json:"body"`
	Author *user  `json:"author"`
}

// Comment implements providers.Forge. It is a note of the merge request.
func (f *Forge) Comment(ctx context.Context, number int64, marker, body string) (providers.Comment, error) {
	text, err := shape.Marked(marker, body, maxComment)
	if err != nil {
		return providers.Comment{}, err
	}
	me, err := f.self(ctx)
	if err != nil {
		return providers.Comment{}, err
	}
	pull, err := f.Pull(ctx, number)
	if err != nil {
		return providers.Comment{}, err
	}
	var own int64
	err = rest.List(ctx, f.api, pages(), f.pull(number)+"/notes", url.Values{"sort": {"asc"}, "order_by": {"created_at"}}, func(n written) bool {
		if !n.System && n.Author != nil && n.Author.ID == me && shape.IsMarked(n.Body, marker) {
			own = n.ID
		}
		return own == 0
	})
	if err != nil {
		return providers.Comment{}, err
	}
	made := func(got *written, created bool) (providers.Comment, error) {
		id := strconv.FormatInt(got.ID, 10)
		return providers.Comment{ID: id, URL: pull.URL + "#note_" + id, Created: created}, nil
	}
	var got written
	in := map[string]string{"body": text}
	if own != 0 {
		err := f.api.Send(ctx, http.MethodPut, f.pull(number)+"/notes/"+strconv.FormatInt(own, 10), in, &got)
		if err == nil {
			return made(&got, false)
		}
		if !errors.Is(err, providers.ErrNotFound) { // else somebody has deleted it
			return providers.Comment{}, err
		}
	}
	if err := f.api.Send(ctx, http.MethodPost, f.pull(number)+"/notes", in, &got); err != nil {
		return providers.Comment{}, err
	}
	return made(&got, true)
}

// maxDescription is how many bytes of a status are kept.
const maxDescription = 255

// Check implements providers.Forge: it is an external status of the commit. Annotations and
// the summary have no place there: GitLab takes them as artifacts of a job.
func (f *Forge) Check(ctx context.Context, commit string, check providers.Check) error {
	if err := shape.CheckCommit(commit); err != nil {
		return err
	}
	states := map[providers.CheckState]string{
		providers.CheckPending: "running", providers.CheckSuccess: "success", providers.CheckFailure: "failed", providers.CheckNeutral: "success",
	}
	in := map[string]string{"state": states[check.State], "name": check.Name, "description": rest.Plain(check.Title, maxDescription)}
	if check.URL != "" {
		in["target_url"] = check.URL
	}
	_, err := f.api.Do(ctx, rest.Request{Method: http.MethodPost, Path: f.path + "/statuses/" + commit, Body: in}, nil)
	var refusal *rest.Refusal
	if errors.As(err, &refusal) && refusal.Status == http.StatusBadRequest && strings.Contains(refusal.Message, "Cannot transition status") {
		return f.sameStatus(ctx, commit, check.Name, in["state"], err)
	}
	return err
}

// sameStatus is nil where a commit has the status already, which GitLab refuses to be told
// again, and else the refusal.
func (f *Forge) sameStatus(ctx context.Context, commit, name, state string, refused error) error {
	var all []struct {
		Name  string `json:"name"`
		State string `json:"status"`
	}
	if err := f.api.Get(ctx, f.path+"/repository/commits/"+commit+"/statuses", url.Values{"name": {name}}, &all); err != nil {
		return err
	}
	for _, one := range all {
		if one.Name == name && one.State == state {
			return nil
		}
	}
	return refused
}

// Label implements providers.Forge. GitLab makes labels that are not there by itself.
func (f *Forge) Label(ctx context.Context, number int64, add, remove []string) error {
	if len(add) == 0 && len(remove) == 0 {
		return nil
	}
	if err := plainLabels(append(add[:len(add):len(add)], remove...)); err != nil {
		return err
	}
	in := map[string]string{}
	if len(add) > 0 {
		in["add_labels"] = strings.Join(add, ",")
	}
	if len(remove) > 0 {
		in["remove_labels"] = strings.Join(remove, ",")
	}
	return f.api.Send(ctx, http.MethodPut, f.pull(number), in, nil)
}

// plainLabels refuses names with commas, which would be several.
func plainLabels(names []string) error {
	for _, name := range names {
		if strings.Contains(name, ",") {
			return fmt.Errorf("the label %q has a comma, which GitLab's labels cannot have: %w", name, providers.ErrInvalid)
		}
	}
	return nil
}

// draftPrefix is what the titles of drafts begin with.
const draftPrefix = "Draft: "

// Propose implements providers.Forge.
func (f *Forge) Propose(ctx context.Context, p providers.Proposal) (*providers.PullRequest, error) {
	if err := plainLabels(p.Labels); err != nil {
		return nil, err
	}
	if open, err := f.proposed(ctx, p); err != nil || open != nil {
		return open, err
	}
	title := p.Title
	if p.Draft && !strings.HasPrefix(title, draftPrefix) {
		title = draftPrefix + title
	}
	in := map[string]string{"title": title, "description": p.Body, "source_branch": p.Branch, "target_branch": p.Base}
	if len(p.Labels) > 0 {
		in["labels"] = strings.Join(p.Labels, ",")
	}
	var made mergeRequest
	if err := f.api.Send(ctx, http.MethodPost, f.path+"/merge_requests", in, &made); err != nil {
		if open, again := f.proposed(ctx, p); again == nil && open != nil {
			return open, nil // it was made all the same, or by another at the same time
		}
		return nil, err
	}
	out := f.convert(&made)
	return &out, nil
}

// proposed returns the open merge request from a branch; nil where there is none.
func (f *Forge) proposed(ctx context.Context, p providers.Proposal) (*providers.PullRequest, error) {
	var found *providers.PullRequest
	query := url.Values{"state": {"opened"}, "source_branch": {p.Branch}, "target_branch": {p.Base}}
	err := rest.List(ctx, f.api, pages(), f.path+"/merge_requests", query, func(m mergeRequest) bool {
		if one := f.convert(&m); one.Branch == p.Branch && one.Base == p.Base && !one.Fork {
			found = &one
		}
		return found == nil
	})
	return found, err
}
