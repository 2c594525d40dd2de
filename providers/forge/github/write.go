package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/rest"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

// self returns who the token is of. Apps, such as the one of a workflow's token, are told by
// GraphQL only.
func (f *Forge) self(ctx context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.me != "" {
		return f.me, nil
	}
	var got user
	err := f.api.Get(ctx, f.rest("user"), nil, &got)
	if errors.Is(err, providers.ErrForbidden) {
		var answer struct {
			Data struct {
				Viewer user `json:"viewer"`
			} `json:"data"`
		}
		_, err = f.api.Do(ctx, rest.Request{Method: http.MethodPost, Path: "graphql", Body: map[string]string{"query": "query { viewer { login } }"}}, &answer)
		got = answer.Data.Viewer
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("who the token is of: %w", err)
	case got.Login == "":
		return "", fmt.Errorf("who the token is of is %w", providers.ErrNotFound)
	}
	f.me = got.Login
	return f.me, nil
}

type comment struct {
	ID   int64  `json:"id"`
	URL  string `json:"html_url"`
	User *user  `json:"user"`
	Body string `json:"body"`
}

// Comment implements providers.Forge.
func (f *Forge) Comment(ctx context.Context, number int64, marker, body string) (providers.Comment, error) {
	text, err := shape.Marked(marker, body, maxComment)
	if err != nil {
		return providers.Comment{}, err
	}
	me, err := f.self(ctx)
	if err != nil {
		return providers.Comment{}, err
	}
	var own int64
	err = rest.List(ctx, f.api, pages(), f.issue(number)+"/comments", nil, func(c comment) bool {
		if c.User != nil && c.User.Login == me && shape.IsMarked(c.Body, marker) {
			own = c.ID
		}
		return own == 0
	})
	if err != nil {
		return providers.Comment{}, err
	}
	var got comment
	in := map[string]string{"body": text}
	if own != 0 {
		err := f.api.Send(ctx, http.MethodPatch, f.rest(f.path+"/issues/comments/"+strconv.FormatInt(own, 10)), in, &got)
		if err == nil {
			return providers.Comment{ID: strconv.FormatInt(got.ID, 10), URL: got.URL}, nil
		}
		if !errors.Is(err, providers.ErrNotFound) { // else somebody has deleted it
			return providers.Comment{}, err
		}
	}
	if err := f.api.Send(ctx, http.MethodPost, f.issue(number)+"/comments", in, &got); err != nil {
		return providers.Comment{}, err
	}
	return providers.Comment{ID: strconv.FormatInt(got.ID, 10), URL: got.URL, Created: true}, nil
}

// Label implements providers.Forge. GitHub makes labels that are not there by itself.
func (f *Forge) Label(ctx context.Context, number int64, add, remove []string) error {
	for _, name := range remove {
		err := f.api.Send(ctx, http.MethodDelete, f.issue(number)+"/labels/"+rest.Escape(name), nil, nil)
		if err != nil && !errors.Is(err, providers.ErrNotFound) {
			return err
		}
	}
	if len(add) == 0 {
		return nil
	}
	_, err := f.api.Do(ctx, rest.Request{Method: http.MethodPost, Path: f.issue(number) + "/labels", Body: map[string][]string{"labels": add}}, nil)
	return err
}

// Propose implements providers.Forge.
func (f *Forge) Propose(ctx context.Context, p providers.Proposal) (*providers.PullRequest, error) {
	if open, err := f.proposed(ctx, p); err != nil || open != nil {
		return open, err
	}
	var made pullRequest
	in := map[string]any{"title": p.Title, "body": p.Body, "head": p.Branch, "base": p.Base, "draft": p.Draft}
	if err := f.api.Send(ctx, http.MethodPost, f.rest(f.path+"/pulls"), in, &made); err != nil {
		if open, again := f.proposed(ctx, p); again == nil && open != nil {
			return open, nil // it was made all the same, or by another at the same time
		}
		return nil, err
	}
	out := made.convert()
	if err := f.Label(ctx, out.Number, p.Labels, nil); err != nil {
		return &out, fmt.Errorf("the pull request %d was opened, and has no labels: %w", out.Number, err)
	}
	if len(p.Labels) > 0 {
		out.Labels = p.Labels
	}
	return &out, nil
}

// proposed returns the open pull request from a branch; nil where there is none.
func (f *Forge) proposed(ctx context.Context, p providers.Proposal) (*providers.PullRequest, error) {
	var found *providers.PullRequest
	query := url.Values{"state": {"open"}, "head": {f.owner + ":" + p.Branch}, "base": {p.Base}}
	err := rest.List(ctx, f.api, pages(), f.rest(f.path+"/pulls"), query, func(one pullRequest) bool {
		if c := one.convert(); c.Branch == p.Branch && c.Base == p.Base && !c.Fork {
			found = &c
		}
		return found == nil
	})
	return found, err
}
