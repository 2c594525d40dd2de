// Package target describes how a cluster is reached: what the language
// declares, the plan and the state carry, and the cluster provider dials.
//
// It opens no connection. Every package may import it.
package target

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan/object"
)

// Connection says where a cluster's API is. One of InCluster, Server, or
// Kubeconfig and Context (both may be empty: the usual kubeconfig and its
// current context) applies, in this order. It holds no secret and may be written
// to plans and state.
type Connection struct {
	InCluster     bool   `json:"inCluster,omitempty"`
	Server        string `json:"server,omitempty"`        // https://host:port
	CAData        string `json:"caData,omitempty"`        // PEM; empty means the system's roots
	TLSServerName string `json:"tlsServerName,omitempty"` // the name the certificate must have, where it is not the host's
	Insecure      bool   `json:"insecure,omitempty"`      // do not verify the server's certificate
	ProxyURL      string `json:"proxyURL,omitempty"`      // http, https or socks5
	Kubeconfig    string `json:"kubeconfig,omitempty"`    // path; relative to the module's directory
	Context       string `json:"context,omitempty"`       // a context of the kubeconfig
	Exec          *Exec  `json:"exec,omitempty"`          // a program that prints credentials
	// Impersonate, where set, is the user to act as.
	Impersonate string `json:"impersonate,omitempty"`
	// As is as whom an application speaks to the cluster, in place of Impersonate: every
	// request says so, or is not sent. Nil is nobody.
	As *Impersonation `json:"as,omitempty"`
}

// Impersonation is a user, and the groups that it is in.
type Impersonation struct {
	User   string   `json:"user"`
	Groups []string `json:"groups,omitempty"`
}

// Equal reports whether both are the same user in the same groups; nil is nobody.
func (i *Impersonation) Equal(other *Impersonation) bool {
	if i == nil || other == nil {
		return i == other
	}
	return i.User == other.User && slices.Equal(i.Groups, other.Groups)
}

// Check says why nobody can be acted as so: a name that a server would read as another one,
// or as none, which would be who reaches it.
func (i *Impersonation) Check() error {
	unfit := func(name string) bool {
		return name == "" || name != strings.TrimSpace(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f })
	}
	switch {
	case unfit(i.User):
		return fmt.Errorf("%q is no user that can be acted as: its name is empty, begins or ends with a space, or holds a control character", i.User)
	case slices.ContainsFunc(i.Groups, unfit):
		return fmt.Errorf("the user %q cannot be acted as in these groups: the name of one is empty, begins or ends with a space, or holds a control character", i.User)
	}
	return nil
}

// String is the user, and the groups behind it; empty for nobody.
func (i *Impersonation) String() string {
	if i == nil {
		return ""
	}
	if len(i.Groups) == 0 {
		return i.User
	}
	return i.User + " (" + strings.Join(i.Groups, ", ") + ")"
}

// Exec is a client-go credential plugin: a program that prints an
// ExecCredential.
type Exec struct {
	Command    string            `json:"command"`
	Args       []string          `json:"args,omitempty"`
	Env        map[string]string `json:"env,omitempty"`
	APIVersion string            `json:"apiVersion,omitempty"` // default client.authentication.k8s.io/v1
}

// Credentials are the secret half of reaching a cluster given by Server. They
// are never written in clear; a plan carries them sealed.
type Credentials struct {
	Token      object.Sensitive
	ClientCert object.Sensitive // PEM
	ClientKey  object.Sensitive // PEM
	Username   string
	Password   object.Sensitive
	// Secrets are the parts that are read when the cluster is connected to, each in
	// place of the field of its name. They are where a value is, not the value: a plan
	// carries them.
	Secrets Secrets
}

// IsZero reports whether there is no credential at all.
func (c Credentials) IsZero() bool { return c == Credentials{} }
