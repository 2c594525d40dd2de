// Package webhook sends requests to any HTTP server: a document about the message, or what
// the trigger says in its place, with a signature where there is a key for it.
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/notify/post"
)

// The headers of a request, beside those of the configuration.
const (
	// DeliveryHeader has the ID of the message: the same if it is ever sent again.
	DeliveryHeader = "X-Gantry-Delivery"
	// TriggerHeader has the trigger.
	TriggerHeader = "X-Gantry-Trigger"
	// SignatureHeader has "sha256=" and the HMAC of the body, in hexadecimal digits.
	SignatureHeader = "X-Gantry-Signature-256"
)

// Notifier sends to one URL.
type Notifier struct {
	client *post.Client
	config providers.NotifierConfig
}

// New returns a Notifier.
func New(config providers.NotifierConfig, client *post.Client) *Notifier {
	return &Notifier{client: client, config: config}
}

// Repeatable implements providers.Notifier: PUT means that it can be sent again.
func (n *Notifier) Repeatable(*providers.Notification) bool {
	return n.config.Setting("method", http.MethodPost) == http.MethodPut
}

// Document is what is sent where the trigger says nothing else.
type Document struct {
	ID          string          `json:"id"`
	Trigger     string          `json:"trigger"`
	Text        string          `json:"text"`
	Level       providers.Level `json:"level"`
	Resolves    bool            `json:"resolves,omitempty"`
	Application providers.Facts `json:"application"`
}

// Send implements providers.Notifier.
func (n *Notifier) Send(ctx context.Context, m *providers.Notification) (providers.Receipt, error) {
	body, contentType, err := body(m)
	if err != nil {
		return providers.Receipt{}, post.Refuse(fmt.Errorf("the message cannot be written as JSON: %w", err))
	}
	header := http.Header{}
	for _, h := range n.config.Headers {
		header.Add(h.Name, h.Value.Reveal())
	}
	header.Set(DeliveryHeader, m.ID)
	header.Set(TriggerHeader, m.Trigger)
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", contentType)
	}
	switch {
	case n.config.Secret("token") != "":
		header.Set("Authorization", "Bearer "+n.config.Secret("token"))
	case n.config.Setting("username", "") != "":
		pair := n.config.Setting("username", "") + ":" + n.config.Secret("password")
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	}
	if key := n.config.Secret("signing_key"); key != "" {
		header.Set(SignatureHeader, Signature(key, body))
	}
	_, err = n.client.Do(ctx, post.Request{
		Method: n.config.Setting("method", http.MethodPost), URL: n.config.Secret("url"), Secret: true, Header: header, Body: body,
	})
	return providers.Receipt{}, err
}

// Signature is what the SignatureHeader has for a body.
func Signature(key string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// body is what is sent: a text of the trigger as it is, anything else as JSON.
func body(m *providers.Notification) ([]byte, string, error) {
	const isJSON = "application/json; charset=utf-8"
	own := m.Body["body"]
	if text, ok := own.(string); ok {
		contentType := "text/plain; charset=utf-8"
		if json.Valid([]byte(text)) {
			contentType = isJSON
		}
		return []byte(text), post.Or(m, "content_type", contentType), nil
	}
	if own == nil {
		own = Document{ID: m.ID, Trigger: m.Trigger, Text: m.Text, Level: m.Level, Resolves: m.Resolves, Application: m.Facts}
	}
	text, err := json.Marshal(own)
	return text, post.Or(m, "content_type", isJSON), err
}

var _ providers.Notifier = (*Notifier)(nil)
