package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/rest"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

const (
	perRequest     = 50    // annotations that one request may have
	maxAnnotations = 100   // annotations that are sent: two requests
	maxSummary     = 65535 // characters of a summary
	maxDescription = 140   // bytes of a status that are shown
)

type annotation struct {
	Path    string `json:"path"`
	Start   int    `json:"start_line"`
	End     int    `json:"end_line"`
	Level   string `json:"annotation_level"`
	Message string `json:"message"`
	Title   string `json:"title,omitempty"`
}

// Check implements providers.Forge. The newest run of a name is the one that counts. Where
// the token may make no check runs it is a status, without annotations.
func (f *Forge) Check(ctx context.Context, commit string, check providers.Check) error {
	if err := shape.CheckCommit(commit); err != nil {
		return err
	}
	if f.noChecks.Load() {
		return f.status(ctx, commit, check)
	}
	err := f.run(ctx, commit, check)
	if errors.Is(err, providers.ErrForbidden) {
		if statusErr := f.status(ctx, commit, check); statusErr != nil {
			return fmt.Errorf("%w; and as a status: %w", err, statusErr)
		}
		f.noChecks.Store(true)
		return nil
	}
	return err
}

// run makes a check run. Annotations beyond what one request may have follow in others.
func (f *Forge) run(ctx context.Context, commit string, check providers.Check) error {
	conclusions := map[providers.CheckState]string{providers.CheckSuccess: "success", providers.CheckFailure: "failure", providers.CheckNeutral: "neutral"}
	in := map[string]any{"name": check.Name, "head_sha": commit, "status": "in_progress"}
	if conclusion := conclusions[check.State]; conclusion != "" {
		in["status"], in["conclusion"] = "completed", conclusion
	}
	if check.URL != "" {
		in["details_url"] = check.URL
	}
	annotations := annotationsOf(check.Annotations)
	output := func(from int) map[string]any {
		return map[string]any{
			"title": rest.Plain(check.Title, 255), "summary": cut(check.Summary, maxSummary),
			"annotations": annotations[from:min(len(annotations), from+perRequest)],
		}
	}
	in["output"] = output(0)
	var made struct {
		ID int64 `json:"id"`
	}
	// A second run of the same name takes the place of the first: doing it twice changes nothing.
	if _, err := f.api.Do(ctx, rest.Request{Method: http.MethodPost, Path: f.rest(f.path + "/check-runs"), Body: in}, &made); err != nil {
		return err
	}
	for from := perRequest; from < len(annotations); from += perRequest {
		more := rest.Request{
			Method: http.MethodPatch, Path: f.rest(f.path + "/check-runs/" + strconv.FormatInt(made.ID, 10)),
			Body: map[string]any{"output": output(from)}, Once: true, // annotations add up
		}
		if _, err := f.api.Do(ctx, more, nil); err != nil {
			return fmt.Errorf("the check is there, with %d of its %d annotations: %w", from, len(annotations), err)
		}
	}
	return nil
}

func annotationsOf(all []providers.Annotation) []annotation {
	levels := map[string]string{"error": "failure", "warning": "warning"}
	out := []annotation{}
	for _, a := range all[:min(len(all), maxAnnotations)] {
		level := levels[a.Level]
		if level == "" {
			level = "notice"
		}
		line := max(1, a.Line)
		out = append(out, annotation{
			Path: a.Path, Start: line, End: max(line, a.EndLine), Level: level, Message: cut(a.Message, maxSummary), Title: rest.Plain(a.Title, 255),
		})
	}
	return out
}

// cut is a text of so many characters at most.
func cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

// status shows a check as a status of the commit.
func (f *Forge) status(ctx context.Context, commit string, check providers.Check) error {
	states := map[providers.CheckState]string{
		providers.CheckPending: "pending", providers.CheckSuccess: "success", providers.CheckFailure: "failure", providers.CheckNeutral: "success",
	}
	in := map[string]string{"state": states[check.State], "context": check.Name, "description": rest.Plain(check.Title, maxDescription)}
	if check.URL != "" {
		in["target_url"] = check.URL
	}
	_, err := f.api.Do(ctx, rest.Request{Method: http.MethodPost, Path: f.rest(f.path + "/statuses/" + commit), Body: in}, nil)
	return err
}
