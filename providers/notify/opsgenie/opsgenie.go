// Package opsgenie sends alerts to Opsgenie, and closes them when what the trigger says is
// over. The alias of an alert is that of the trigger and the application, so that an alert
// sent twice is one.
package opsgenie

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/notify/post"
)

// Limits of Opsgenie.
const (
	maxMessage     = 130
	maxDescription = 15000
)

// Notifier sends to one integration.
type Notifier struct {
	client *post.Client
	config providers.NotifierConfig
}

// New returns a Notifier.
func New(config providers.NotifierConfig, client *post.Client) *Notifier {
	return &Notifier{client: client, config: config}
}

// Repeatable implements providers.Notifier: alerts have an alias.
func (*Notifier) Repeatable(*providers.Notification) bool { return true }

// alert is what is sent.
type alert struct {
	Message     string            `json:"message"`
	Alias       string            `json:"alias"`
	Description string            `json:"description"`
	Responders  []responder       `json:"responders,omitempty"`
	Tags        []string          `json:"tags"`
	Details     map[string]string `json:"details"`
	Entity      string            `json:"entity"`
	Source      string            `json:"source"`
	Priority    string            `json:"priority"`
}

type responder struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Send implements providers.Notifier.
func (n *Notifier) Send(ctx context.Context, m *providers.Notification) (providers.Receipt, error) {
	base := n.config.Setting("api_url", "https://api.opsgenie.com")
	alias := m.Key
	if m.Recipient != "" {
		alias += "/" + m.Recipient // each team has an alert of its own
	}
	request := post.Request{URL: post.Join(base, "v2/alerts"), Header: http.Header{"Authorization": {"GenieKey " + n.config.Secret("api_key")}}}
	if m.Resolves {
		request.URL = post.Join(base, "v2/alerts/"+url.PathEscape(alias)+"/close?identifierType=alias")
		request.Body = map[string]string{"source": "gantry", "note": post.Cut(post.Plain(m.Text), maxDescription)}
	} else {
		request.Body = n.alert(m, alias)
	}
	answer, err := n.client.Do(ctx, request)
	if err != nil {
		return providers.Receipt{}, err
	}
	var said struct {
		RequestID string `json:"requestId"`
	}
	if err := answer.JSON(&said); err != nil {
		return providers.Receipt{}, err
	}
	return providers.Receipt{Ref: said.RequestID}, nil
}

func (n *Notifier) alert(m *providers.Notification, alias string) alert {
	priority := post.Or(m, "priority", n.config.Setting("priority", "P3"))
	if !slices.Contains([]string{"P1", "P2", "P3", "P4", "P5"}, priority) {
		priority = "P3"
	}
	out := alert{
		Message: post.Cut(post.Line(m.Text), maxMessage), Alias: alias,
		Description: post.Cut(post.Plain(post.Or(m, "description", m.Text)), maxDescription),
		Tags:        []string{"gantry", m.Trigger}, Details: map[string]string{"Application": m.Facts.Address},
		Entity: post.Cut(post.Line(m.Facts.Name), 512), Source: "gantry", Priority: priority,
	}
	for _, fact := range post.Shown(m.Facts) {
		out.Details[fact.Name] = fact.Value
	}
	if m.Recipient != "" {
		out.Responders = []responder{{Name: m.Recipient, Type: "team"}}
	}
	return out
}

var _ providers.Notifier = (*Notifier)(nil)
