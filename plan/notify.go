package plan

import (
	"encoding/json"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/target"
)

// Notify is who hears of what comes of a plan. It travels with the plan and is judged when
// that is applied; it is no part of what is done, and so of no change digest.
type Notify struct {
	Notifiers []Notifier `json:"notifiers"` // sorted by address; those that subscriptions name
	Triggers  []Trigger  `json:"triggers"`  // sorted by address; those that subscriptions name
	// Subscriptions are those of projects and applications, in the order of the files.
	Subscriptions []Subscription `json:"subscriptions"`
	// Subjects are what triggers can ask of applications and the plan does not have
	// otherwise, sorted by address. Applications without subscriptions have none.
	Subjects []NotifySubject `json:"subjects,omitempty"`
}

// Notifier is where messages go.
type Notifier struct {
	Address  addr.Address      `json:"address"`
	Service  string            `json:"service"` // "slack", "email" and so on
	Settings map[string]string `json:"settings,omitempty"`
	// Credentials and Headers are sealed when the plan is written; see planfile.
	Credentials map[string]target.Credential `json:"-"`
	Headers     []NotifierHeader             `json:"-"`
	Sealed      []byte                       `json:"sealed,omitempty"`
}

// NotifierHeader is a header of a webhook's requests.
type NotifierHeader struct {
	Name  string
	Value target.Credential
}

// HasSecrets reports whether there is anything to seal.
func (n *Notifier) HasSecrets() bool { return len(n.Credentials) > 0 || len(n.Headers) > 0 }

// Trigger is when a message goes, and what it says. Its expressions are late ones of the
// language, as they travel.
type Trigger struct {
	Address addr.Address    `json:"address"`
	Name    string          `json:"name"`
	When    json.RawMessage `json:"when"`
	OncePer json.RawMessage `json:"oncePer,omitempty"`
	Message json.RawMessage `json:"message"`
	// Bodies are what it says for single services: expressions by service and argument.
	Bodies map[string]map[string]json.RawMessage `json:"bodies,omitempty"`
}

// Subscription says who hears of a trigger: of the applications of a project, or of one
// application.
type Subscription struct {
	Project     string       `json:"project,omitempty"`
	Application addr.Address `json:"application,omitzero"`
	Trigger     addr.Address `json:"trigger"`
	Notifier    addr.Address `json:"notifier"`
	Recipients  []string     `json:"recipients,omitempty"`
}

// NotifySubject is what the configuration says of an application and its cluster.
type NotifySubject struct {
	Address            addr.Address      `json:"address"`
	Info               map[string]string `json:"info,omitempty"`
	Server             string            `json:"server,omitempty"`
	ClusterLabels      map[string]string `json:"clusterLabels,omitempty"`
	ClusterAnnotations map[string]string `json:"clusterAnnotations,omitempty"`
}
