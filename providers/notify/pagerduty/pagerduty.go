// Package pagerduty sends events to PagerDuty (Events API v2): one that opens an incident,
// and one that resolves it when what the trigger says is over. Both have the deduplication
// key of the trigger and the application, so that an event sent twice is one incident.
package pagerduty

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/notify/post"
)

// Limits of PagerDuty.
const maxSummary = 1024

// Notifier sends to one integration.
type Notifier struct {
	client *post.Client
	config providers.NotifierConfig
}

// New returns a Notifier.
func New(config providers.NotifierConfig, client *post.Client) *Notifier {
	return &Notifier{client: client, config: config}
}

// Repeatable implements providers.Notifier: events have a deduplication key.
func (*Notifier) Repeatable(*providers.Notification) bool { return true }

// event is what is sent.
type event struct {
	RoutingKey  string   `json:"routing_key"`
	EventAction string   `json:"event_action"`
	DedupKey    string   `json:"dedup_key"`
	Client      string   `json:"client,omitempty"`
	Payload     *payload `json:"payload,omitempty"`
}

type payload struct {
	Summary       string `json:"summary"`
	Source        string `json:"source"`
	Severity      string `json:"severity"`
	Timestamp     string `json:"timestamp"`
	Component     string `json:"component,omitempty"`
	Group         string `json:"group,omitempty"`
	Class         string `json:"class,omitempty"`
	CustomDetails any    `json:"custom_details,omitempty"`
}

// Send implements providers.Notifier.
func (n *Notifier) Send(ctx context.Context, m *providers.Notification) (providers.Receipt, error) {
	out := event{RoutingKey: n.config.Secret("routing_key"), EventAction: "resolve", DedupKey: m.Key}
	if !m.Resolves {
		severity := post.Or(m, "severity", n.config.Setting("severity", "error"))
		if !slices.Contains([]string{"critical", "error", "warning", "info"}, severity) {
			severity = "error"
		}
		source := post.Line(m.Facts.Cluster)
		if source == "" {
			source = "gantry"
		}
		out.EventAction, out.Client = "trigger", "gantry"
		out.Payload = &payload{
			Summary: post.Cut(post.Line(m.Text), maxSummary), Source: source, Severity: severity,
			Timestamp: m.Facts.At.UTC().Format(time.RFC3339), Component: post.Line(m.Facts.Name), Group: post.Line(m.Facts.Project), Class: m.Trigger,
			CustomDetails: details(m),
		}
	}
	answer, err := n.client.Do(ctx, post.Request{URL: post.Join(n.config.Setting("api_url", "https://events.pagerduty.com"), "v2/enqueue"), Body: out})
	if err != nil {
		return providers.Receipt{}, err
	}
	var said struct {
		Status   string `json:"status"`
		DedupKey string `json:"dedup_key"`
	}
	if err := answer.JSON(&said); err != nil {
		return providers.Receipt{}, err
	}
	if said.Status != "success" {
		return providers.Receipt{}, post.Later(0, errors.New("PagerDuty did not take the event"))
	}
	return providers.Receipt{Ref: said.DedupKey}, nil
}

func details(m *providers.Notification) any {
	if own := m.Body["details"]; own != nil {
		return own
	}
	out := map[string]string{"application": m.Facts.Address, "message": post.Plain(m.Text)}
	for _, fact := range post.Shown(m.Facts) {
		out[fact.Name] = fact.Value
	}
	return out
}

var _ providers.Notifier = (*Notifier)(nil)
