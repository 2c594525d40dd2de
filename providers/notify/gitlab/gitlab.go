// Package gitlab gives commits on GitLab a status, or records deployments of them.
package gitlab

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/notify/post"
)

const maxDescription = 255

// Notifier writes to one GitLab.
type Notifier struct {
	client *post.Client
	config providers.NotifierConfig
}

// New returns a Notifier.
func New(config providers.NotifierConfig, client *post.Client) *Notifier {
	return &Notifier{client: client, config: config}
}

// Repeatable implements providers.Notifier: a status is in place of the one before, and so
// is that of a deployment that is there.
func (n *Notifier) Repeatable(m *providers.Notification) bool { return !n.deploys() || m.Root != "" }

func (n *Notifier) deploys() bool { return n.config.Setting("report", "status") == "deployment" }

// Send implements providers.Notifier. The Ref of a receipt is the id of the deployment.
func (n *Notifier) Send(ctx context.Context, m *providers.Notification) (providers.Receipt, error) {
	path, commit, err := post.Commit(m.Facts)
	if err != nil {
		return providers.Receipt{}, err
	}
	project := "projects/" + url.PathEscape(path)
	if n.deploys() {
		return n.deploy(ctx, m, project, commit)
	}
	status := map[string]any{
		"state":       post.Or(m, "state", post.State(m, "pending", "running", "success", "failed")),
		"name":        post.Or(m, "context", "gantry/"+post.Line(m.Facts.Name)),
		"description": post.Cut(post.Line(m.Text), maxDescription),
	}
	if target, ok := post.Text(m, "target_url"); ok {
		status["target_url"] = target
	}
	answer, err := n.call(ctx, http.MethodPost, project+"/statuses/"+commit, status)
	if err != nil {
		return providers.Receipt{}, err
	}
	// GitLab refuses a status that the commit has already.
	if answer.Status == http.StatusBadRequest && bytes.Contains(answer.Body, []byte("Cannot transition status")) {
		return providers.Receipt{}, nil
	}
	return providers.Receipt{}, n.client.Status("GitLab", answer)
}

func (n *Notifier) deploy(ctx context.Context, m *providers.Notification, project, commit string) (providers.Receipt, error) {
	status := post.Or(m, "state", post.State(m, "created", "running", "success", "failed"))
	if m.Root != "" {
		if _, err := strconv.Atoi(m.Root); err != nil {
			return providers.Receipt{}, post.Refuse(errors.New("the deployment that it follows is not known any more"))
		}
		answer, err := n.call(ctx, http.MethodPut, project+"/deployments/"+m.Root, map[string]any{"status": status})
		if err == nil {
			err = n.client.Status("GitLab", answer)
		}
		return providers.Receipt{Ref: m.Root}, err
	}
	ref := m.Facts.Tracks
	if ref == "" {
		ref = commit
	}
	answer, err := n.call(ctx, http.MethodPost, project+"/deployments", map[string]any{
		"environment": post.Or(m, "environment", environment(m)), "sha": commit, "ref": ref, "tag": false, "status": status,
	})
	if err == nil {
		err = n.client.Status("GitLab", answer)
	}
	if err != nil {
		return providers.Receipt{}, err
	}
	var made struct {
		ID int `json:"id"`
	}
	if err := answer.JSON(&made); err != nil {
		return providers.Receipt{}, err
	}
	return providers.Receipt{Ref: strconv.Itoa(made.ID)}, nil
}

func environment(m *providers.Notification) string {
	if m.Facts.Cluster == "" {
		return post.Line(m.Facts.Name)
	}
	return post.Line(m.Facts.Cluster) + "/" + post.Line(m.Facts.Name)
}

func (n *Notifier) call(ctx context.Context, method, path string, body any) (*post.Answer, error) {
	return n.client.Do(ctx, post.Request{
		Method: method, URL: post.Join(n.config.Setting("api_url", "https://gitlab.com/api/v4"), path),
		Header: http.Header{"Private-Token": {n.config.Secret("token")}}, Body: body, Proven: true,
	})
}

var _ providers.Notifier = (*Notifier)(nil)
