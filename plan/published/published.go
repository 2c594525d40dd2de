// Package published is what a configuration gives to others when it is applied: its
// outputs, clusters and projects, as plain data.
//
// It is vocabulary that language, plan and state share: it reads and writes nothing,
// and imports leaves only. A document holds no credential and no sensitive value.
package published

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/gantrycd/gantry/plan/target"
)

// Document is all that a configuration gives. Each list is sorted by name, and a name
// is in it once.
type Document struct {
	Outputs  []Output  `json:"outputs,omitempty"`
	Clusters []Cluster `json:"clusters,omitempty"`
	Projects []Project `json:"projects,omitempty"`
}

// Output is a value that the root module gives.
type Output struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	// Sensitive says that the value is nobody's business: it is not here.
	Sensitive bool `json:"sensitive,omitempty"`
	// Value is compact JSON; empty where Sensitive.
	Value json.RawMessage `json:"value,omitempty"`
}

// Cluster is a cluster, and how it is reached.
type Cluster struct {
	Name string `json:"name"`
	// Connection holds no credentials. The path of a kubeconfig in it is absolute, or
	// begins with "~/".
	Connection target.Connection `json:"connection"`
	// LogsIn says that credentials belong to the connection, which are not given.
	LogsIn      bool              `json:"logsIn,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Project is the name of a project, without its rules.
type Project struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

// Digest is "sha256:…" over the document: equal documents have the same.
func (d *Document) Digest() string {
	text, err := json.Marshal(d)
	if err != nil {
		panic("a published document is no JSON: " + err.Error() + ". This is a bug in gantry")
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Check holds a document that comes from outside to what its type promises.
func (d *Document) Check() error {
	names := func(what string, n int, name func(int) string) error {
		for i := range n {
			if name(i) == "" {
				return fmt.Errorf("%s %d has no name", what, i+1)
			}
			if i > 0 && name(i-1) >= name(i) {
				return fmt.Errorf("%s %q is there twice or not in order", what, name(i))
			}
		}
		return nil
	}
	if err := names("output", len(d.Outputs), func(i int) string { return d.Outputs[i].Name }); err != nil {
		return err
	}
	if err := names("cluster", len(d.Clusters), func(i int) string { return d.Clusters[i].Name }); err != nil {
		return err
	}
	if err := names("project", len(d.Projects), func(i int) string { return d.Projects[i].Name }); err != nil {
		return err
	}
	for i := range d.Outputs {
		if o := &d.Outputs[i]; o.Sensitive != (len(o.Value) == 0) {
			return fmt.Errorf("output %q must have a value or be sensitive, and not both", o.Name)
		}
	}
	return nil
}

// Encode returns a JSON-shaped value as a Value.
func Encode(value any) (json.RawMessage, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encoding an output: %w", err)
	}
	return text, nil
}

// Decode returns a Value as a JSON-shaped value, numbers as json.Number so that none
// changes. It is nil for an empty one.
func Decode(value json.RawMessage) (any, error) {
	if len(value) == 0 {
		return nil, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber()
	var out any
	if err := decoder.Decode(&out); err != nil {
		return nil, fmt.Errorf("reading an output: %w", err)
	}
	return out, nil
}
