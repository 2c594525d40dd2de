// Package grafana makes annotations in Grafana, so that dashboards show when something was
// delivered.
package grafana

import (
	"context"
	"html"
	"strings"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/notify/post"
)

const maxText = 4000

// Notifier sends to one Grafana.
type Notifier struct {
	client *post.Client
	config providers.NotifierConfig
}

// New returns a Notifier.
func New(config providers.NotifierConfig, client *post.Client) *Notifier {
	return &Notifier{client: client, config: config}
}

// Repeatable implements providers.Notifier.
func (*Notifier) Repeatable(*providers.Notification) bool { return false }

// Send implements providers.Notifier. Annotations are HTML, which the text is not.
func (n *Notifier) Send(ctx context.Context, m *providers.Notification) (providers.Receipt, error) {
	tags := []string{"gantry", post.Line(m.Trigger), post.Line(m.Facts.Name)}
	for _, tag := range strings.Split(n.config.Setting("tags", ""), "\n") {
		if tag != "" {
			tags = append(tags, tag)
		}
	}
	if own, ok := m.Body["tags"].([]any); ok {
		for _, tag := range own {
			if text, ok := tag.(string); ok && text != "" {
				tags = append(tags, post.Line(text))
			}
		}
	}
	_, err := n.client.Do(ctx, post.Request{
		URL: post.Join(n.config.Setting("api_url", ""), "annotations"), Header: post.Bearer(n.config.Secret("token")),
		Body: map[string]any{"time": m.Facts.At.UnixMilli(), "tags": tags, "text": html.EscapeString(post.Cut(post.Plain(m.Text), maxText))},
	})
	return providers.Receipt{}, err
}

var _ providers.Notifier = (*Notifier)(nil)
