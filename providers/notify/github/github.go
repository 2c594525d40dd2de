// Package github gives commits on GitHub a status, or records deployments of them. It logs
// in with a token, or as a GitHub app.
package github

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/notify/post"
)

const maxDescription = 140

// Notifier writes to one GitHub.
type Notifier struct {
	client *post.Client
	config providers.NotifierConfig
	now    func() time.Time

	mu      sync.Mutex // guards what follows
	token   string     // of the app's installation
	expires time.Time
}

// New returns a Notifier; now is the clock.
func New(config providers.NotifierConfig, client *post.Client, now func() time.Time) *Notifier {
	return &Notifier{client: client, config: config, now: now}
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
	if strings.Count(path, "/") != 1 {
		return providers.Receipt{}, post.Refuse(errors.New("the URL of the application's repository is not one of GitHub: it has no owner and name"))
	}
	repository := "repos/" + path
	if n.deploys() {
		return n.deploy(ctx, m, repository, commit)
	}
	status := map[string]any{
		"state":       post.Or(m, "state", post.State(m, "pending", "pending", "success", "failure")),
		"context":     post.Or(m, "context", "gantry/"+post.Line(m.Facts.Name)),
		"description": post.Cut(post.Line(m.Text), maxDescription),
	}
	if target, ok := post.Text(m, "target_url"); ok {
		status["target_url"] = target
	}
	_, err = n.call(ctx, repository+"/statuses/"+commit, status)
	return providers.Receipt{}, err
}

func (n *Notifier) deploy(ctx context.Context, m *providers.Notification, repository, commit string) (providers.Receipt, error) {
	made := providers.Receipt{Ref: m.Root}
	if m.Root == "" {
		answer, err := n.call(ctx, repository+"/deployments", map[string]any{
			"ref": commit, "environment": post.Or(m, "environment", environment(m)), "auto_merge": false, "required_contexts": []string{},
			"description": post.Cut(post.Line(m.Facts.Address), maxDescription),
		})
		if err != nil {
			return made, err
		}
		var said struct {
			ID int64 `json:"id"`
		}
		if err := answer.JSON(&said); err != nil {
			return made, err
		}
		made.Ref = strconv.FormatInt(said.ID, 10)
	} else if _, err := strconv.ParseInt(m.Root, 10, 64); err != nil {
		return made, post.Refuse(errors.New("the deployment that it follows is not known any more"))
	}
	status := map[string]any{
		"state":       post.Or(m, "state", post.State(m, "pending", "in_progress", "success", "failure")),
		"description": post.Cut(post.Line(m.Text), maxDescription),
	}
	if target, ok := post.Text(m, "target_url"); ok {
		status["log_url"] = target
	}
	_, err := n.call(ctx, repository+"/deployments/"+made.Ref+"/statuses", status)
	return made, err
}

func environment(m *providers.Notification) string {
	if m.Facts.Cluster == "" {
		return post.Line(m.Facts.Name)
	}
	return post.Line(m.Facts.Cluster) + "/" + post.Line(m.Facts.Name)
}

func (n *Notifier) call(ctx context.Context, path string, body any) (*post.Answer, error) {
	token := n.config.Secret("token")
	if token == "" {
		var err error
		if token, err = n.installation(ctx); err != nil {
			return nil, err
		}
	}
	return n.request(ctx, path, token, body)
}

func (n *Notifier) request(ctx context.Context, path, token string, body any) (*post.Answer, error) {
	header := post.Bearer(token)
	header.Set("Accept", "application/vnd.github+json")
	header.Set("X-GitHub-Api-Version", "2022-11-28")
	answer, err := n.client.Do(ctx, post.Request{
		URL: post.Join(n.config.Setting("api_url", "https://api.github.com"), path), Header: header, Body: body, Proven: true,
	})
	if err != nil {
		return nil, err
	}
	if answer.Status == http.StatusForbidden && answer.Header.Get("X-RateLimit-Remaining") == "0" {
		if reset, err := strconv.ParseInt(answer.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			return nil, post.Later(max(0, time.Unix(reset, 0).Sub(n.now())), errors.New("GitHub takes no more requests for a while"))
		}
	}
	return answer, n.client.Status("GitHub", answer)
}
