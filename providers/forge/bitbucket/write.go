package bitbucket

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/rest"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

// self returns the account that the token is of.
func (f *Forge) self(ctx context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.me != "" {
		return f.me, nil
	}
	var got account
	if err := f.api.Get(ctx, "2.0/user", nil, &got); err != nil {
		return "", fmt.Errorf("who the token is of: %w", err)
	}
	if got.id() == "" {
		return "", fmt.Errorf("who the token is of is %w", providers.ErrNotFound)
	}
	f.me = got.id()
	return f.me, nil
}

type comment struct {
	ID      int64    `json:"id"`
	User    *account `json:"user"`
	Deleted bool     `json:"deleted"`
	Content struct {
		Raw string `json:"raw"`
	} `json:"content"`
	Links links `json:"links"`
}

func (c *comment) convert(created bool) providers.Comment {
	return providers.Comment{ID: strconv.FormatInt(c.ID, 10), URL: c.Links.HTML.URL, Created: created}
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
	err = list(ctx, f.api, f.pull(number)+"/comments", url.Values{"sort": {"created_on"}, "pagelen": {"100"}}, rest.MaxPages, false, func(c comment) bool {
		if !c.Deleted && c.User.id() == me && shape.IsMarked(c.Content.Raw, marker) {
			own = c.ID
		}
		return own == 0
	})
	if err != nil {
		return providers.Comment{}, err
	}
	var got comment
	in := map[string]any{"content": map[string]string{"raw": text}}
	if own != 0 {
		err := f.api.Send(ctx, http.MethodPut, f.pull(number)+"/comments/"+strconv.FormatInt(own, 10), in, &got)
		if err == nil {
			return got.convert(false), nil
		}
		if !errors.Is(err, providers.ErrNotFound) { // else somebody has deleted it
			return providers.Comment{}, err
		}
	}
	if err := f.api.Send(ctx, http.MethodPost, f.pull(number)+"/comments", in, &got); err != nil {
		return providers.Comment{}, err
	}
	return got.convert(true), nil
}

const (
	maxKey         = 40 // bytes of what a build status is known by
	maxDescription = 255
	maxDetails     = 2000
	maxSummary     = 450 // of an annotation
	maxAnnotations = 100 // that one request takes
)

// key is what a check is known by.
func key(name string) string {
	if len(name) <= maxKey {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:maxKey-9] + "-" + hex.EncodeToString(sum[:4])
}

// Check implements providers.Forge: it is a build status, and where there are annotations a
// report with them.
func (f *Forge) Check(ctx context.Context, id string, check providers.Check) error {
	if err := shape.CheckCommit(id); err != nil {
		return err
	}
	states := map[providers.CheckState]string{
		providers.CheckPending: "INPROGRESS", providers.CheckSuccess: "SUCCESSFUL", providers.CheckFailure: "FAILED", providers.CheckNeutral: "SUCCESSFUL",
	}
	at := f.path + "/commit/" + id
	link := check.URL
	if link == "" { // a status needs one
		link = "https://bitbucket.org/" + rest.EscapePath(f.name) + "/commits/" + id
	}
	in := map[string]string{"key": key(check.Name), "state": states[check.State], "name": check.Name, "description": rest.Plain(check.Title, maxDescription), "url": link}
	// A key has one status: doing it twice changes nothing.
	if _, err := f.api.Do(ctx, rest.Request{Method: http.MethodPost, Path: at + "/statuses/build", Body: in}, nil); err != nil {
		return err
	}
	if len(check.Annotations) == 0 {
		return nil
	}
	return f.report(ctx, at, check)
}

// report shows annotations, in place of those of the check's last report.
func (f *Forge) report(ctx context.Context, at string, check providers.Check) error {
	results := map[providers.CheckState]string{
		providers.CheckPending: "PENDING", providers.CheckSuccess: "PASSED", providers.CheckFailure: "FAILED", providers.CheckNeutral: "PASSED",
	}
	path := at + "/reports/" + rest.Escape(key(check.Name))
	if err := f.api.Send(ctx, http.MethodDelete, path, nil, nil); err != nil && !errors.Is(err, providers.ErrNotFound) {
		return err
	}
	in := map[string]any{
		"title": check.Name, "details": rest.Plain(check.Title, maxDetails), "report_type": "TEST", "reporter": "gantry", "result": results[check.State],
	}
	if check.URL != "" {
		in["link"] = check.URL
	}
	if err := f.api.Send(ctx, http.MethodPut, path, in, nil); err != nil {
		return err
	}
	severities := map[string]string{"error": "HIGH", "warning": "MEDIUM"}
	var annotations []map[string]any
	for i, a := range check.Annotations[:min(len(check.Annotations), maxAnnotations)] {
		severity := severities[a.Level]
		if severity == "" {
			severity = "LOW"
		}
		summary := a.Title
		if summary == "" {
			summary = a.Message
		}
		annotations = append(annotations, map[string]any{
			"external_id": strconv.Itoa(i + 1), "annotation_type": "CODE_SMELL", "severity": severity, "path": a.Path, "line": max(1, a.Line),
			"summary": rest.Plain(summary, maxSummary), "details": rest.Plain(a.Message, maxDetails),
		})
	}
	// Those of the same external id are replaced: doing it twice changes nothing.
	_, err := f.api.Do(ctx, rest.Request{Method: http.MethodPost, Path: path + "/annotations", Body: annotations}, nil)
	return err
}

// Label implements providers.Forge: Bitbucket has no labels.
func (*Forge) Label(_ context.Context, _ int64, add, remove []string) error {
	if len(add) == 0 && len(remove) == 0 {
		return nil
	}
	return fmt.Errorf("labels of pull requests are %w by Bitbucket", providers.ErrUnsupported)
}

// Propose implements providers.Forge. Labels, which Bitbucket does not have, are left out.
func (f *Forge) Propose(ctx context.Context, p providers.Proposal) (*providers.PullRequest, error) {
	if open, err := f.proposed(ctx, p); err != nil || open != nil {
		return open, err
	}
	branch := func(name string) any { return map[string]any{"branch": map[string]string{"name": name}} }
	in := map[string]any{"title": p.Title, "description": p.Body, "source": branch(p.Branch), "destination": branch(p.Base), "draft": p.Draft}
	var made pullRequest
	if err := f.api.Send(ctx, http.MethodPost, f.path+"/pullrequests", in, &made); err != nil {
		if open, again := f.proposed(ctx, p); again == nil && open != nil {
			return open, nil // it was made all the same, or by another at the same time
		}
		return nil, err
	}
	out, err := f.convert(ctx, &made)
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// proposed returns the open pull request from a branch; nil where there is none.
func (f *Forge) proposed(ctx context.Context, p providers.Proposal) (*providers.PullRequest, error) {
	open, err := f.OpenPulls(ctx)
	if err != nil {
		return nil, err
	}
	for _, one := range open {
		if one.Branch == p.Branch && one.Base == p.Base && !one.Fork {
			return &one, nil
		}
	}
	return nil, nil
}
