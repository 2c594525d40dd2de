package bitbucketdc

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

// self returns the account that the token is of, which each answer names.
func (f *Forge) self(ctx context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.me != "" {
		return f.me, nil
	}
	header, err := f.api.Do(ctx, rest.Request{Path: core(f.path)}, nil)
	if err != nil {
		return "", fmt.Errorf("who the token is of: %w", err)
	}
	name, err := url.QueryUnescape(header.Get("X-AUSERNAME"))
	if err != nil || name == "" {
		return "", fmt.Errorf("who the token is of is %w: say it, with username", providers.ErrNotFound)
	}
	f.me = name
	return f.me, nil
}

type comment struct {
	ID      int64  `json:"id"`
	Version int64  `json:"version"`
	Text    string `json:"text"`
	Author  user   `json:"author"`
}

func (f *Forge) convert(number int64, c *comment, created bool) providers.Comment {
	id := strconv.FormatInt(c.ID, 10)
	address := f.web + "/" + f.path + "/pull-requests/" + strconv.FormatInt(number, 10) + "/overview?commentId=" + id
	return providers.Comment{ID: id, URL: address, Created: created}
}

// Comment implements providers.Forge. Comments are among what happened to a pull request.
func (f *Forge) Comment(ctx context.Context, number int64, marker, body string) (providers.Comment, error) {
	text, err := shape.Marked(marker, body, maxComment)
	if err != nil {
		return providers.Comment{}, err
	}
	me, err := f.self(ctx)
	if err != nil {
		return providers.Comment{}, err
	}
	all, err := f.activities(ctx, number)
	if err != nil {
		return providers.Comment{}, err
	}
	var got comment
	for _, a := range all {
		c := a.Comment
		if c == nil || a.Comments != "ADDED" || c.Author.Name != me || !shape.IsMarked(c.Text, marker) {
			continue
		}
		in := map[string]any{"text": text, "version": c.Version}
		err := f.api.Send(ctx, http.MethodPut, f.pull(number)+"/comments/"+strconv.FormatInt(c.ID, 10), in, &got)
		if err == nil {
			return f.convert(number, &got, false), nil
		}
		if !errors.Is(err, providers.ErrNotFound) { // else somebody has deleted it
			return providers.Comment{}, err
		}
	}
	if err := f.api.Send(ctx, http.MethodPost, f.pull(number)+"/comments", map[string]any{"text": text}, &got); err != nil {
		return providers.Comment{}, err
	}
	return f.convert(number, &got, true), nil
}

const (
	maxKey         = 50 // bytes of what a report is known by, and fewer than a build status takes
	maxDescription = 255
	maxDetails     = 2000
	maxTitle       = 450
	maxAnnotations = 1000 // of a report
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
func (f *Forge) Check(ctx context.Context, commit string, check providers.Check) error {
	if err := shape.CheckCommit(commit); err != nil {
		return err
	}
	states := map[providers.CheckState]string{
		providers.CheckPending: "INPROGRESS", providers.CheckSuccess: "SUCCESSFUL", providers.CheckFailure: "FAILED", providers.CheckNeutral: "SUCCESSFUL",
	}
	link := check.URL
	if link == "" { // a status needs one
		link = f.web + "/" + f.path + "/commits/" + commit
	}
	in := map[string]string{"key": key(check.Name), "state": states[check.State], "name": check.Name, "description": rest.Plain(check.Title, maxDescription), "url": link}
	// A key has one status: doing it twice changes nothing.
	if _, err := f.api.Do(ctx, rest.Request{Method: http.MethodPost, Path: core(f.path + "/commits/" + commit + "/builds"), Body: in}, nil); err != nil {
		return err
	}
	if len(check.Annotations) == 0 {
		return nil
	}
	return f.report(ctx, commit, check)
}

// report shows annotations, in place of those of the check's last report.
func (f *Forge) report(ctx context.Context, commit string, check providers.Check) error {
	path := "insights/1.0/" + f.path + "/commits/" + commit + "/reports/" + rest.Escape(key(check.Name))
	in := map[string]any{"title": rest.Plain(check.Name, maxTitle), "details": rest.Plain(check.Title, maxDetails), "reporter": "gantry", "result": "PASS"}
	if check.State == providers.CheckFailure {
		in["result"] = "FAIL"
	}
	if check.URL != "" {
		in["link"] = check.URL
	}
	if err := f.api.Send(ctx, http.MethodPut, path, in, nil); err != nil {
		return err
	}
	if err := f.api.Send(ctx, http.MethodDelete, path+"/annotations", nil, nil); err != nil && !errors.Is(err, providers.ErrNotFound) {
		return err
	}
	severities := map[string]string{"error": "HIGH", "warning": "MEDIUM"}
	var annotations []map[string]any
	for i, a := range check.Annotations[:min(len(check.Annotations), maxAnnotations)] {
		severity := severities[a.Level]
		if severity == "" {
			severity = "LOW"
		}
		message := a.Message
		if a.Title != "" {
			message = a.Title + ": " + message
		}
		annotations = append(annotations, map[string]any{
			"externalId": strconv.Itoa(i + 1), "type": "CODE_SMELL", "severity": severity, "path": a.Path, "line": max(1, a.Line), "message": rest.Plain(message, maxDetails),
		})
	}
	// Those of the same external id are replaced: doing it twice changes nothing.
	_, err := f.api.Do(ctx, rest.Request{Method: http.MethodPost, Path: path + "/annotations", Body: map[string]any{"annotations": annotations}}, nil)
	return err
}

// Label implements providers.Forge: pull requests have no labels.
func (*Forge) Label(_ context.Context, _ int64, add, remove []string) error {
	if len(add) == 0 && len(remove) == 0 {
		return nil
	}
	return fmt.Errorf("labels of pull requests are %w by Bitbucket", providers.ErrUnsupported)
}

// Propose implements providers.Forge. Labels, which pull requests do not have, are left out.
func (f *Forge) Propose(ctx context.Context, p providers.Proposal) (*providers.PullRequest, error) {
	if open, err := f.proposed(ctx, p); err != nil || open != nil {
		return open, err
	}
	end := func(name string) any {
		return map[string]any{"id": "refs/heads/" + name, "repository": map[string]any{"slug": f.slug, "project": map[string]string{"key": f.project}}}
	}
	in := map[string]any{"title": p.Title, "description": p.Body, "fromRef": end(p.Branch), "toRef": end(p.Base), "draft": p.Draft}
	var made pullRequest
	if err := f.api.Send(ctx, http.MethodPost, core(f.path+"/pull-requests"), in, &made); err != nil {
		if open, again := f.proposed(ctx, p); again == nil && open != nil {
			return open, nil // it was made all the same, or by another at the same time
		}
		return nil, err
	}
	return f.whole(ctx, &made)
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
