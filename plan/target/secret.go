package target

import (
	"context"
	"fmt"
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/object"
)

// Secret says where a credential is, for whoever reads it at the moment that it is
// used. It holds no credential itself, but where Kubernetes is set those of the
// cluster; one of the four is set.
type Secret struct {
	Address     addr.Address       `json:"address"` // for messages
	Kubernetes  *KubernetesSecret  `json:"kubernetes,omitempty"`
	File        *FileSecret        `json:"file,omitempty"`
	Environment *EnvironmentSecret `json:"environment,omitempty"`
	Command     *CommandSecret     `json:"command,omitempty"`
}

// KubernetesSecret is one key of a Secret in a cluster.
type KubernetesSecret struct {
	Cluster     string      `json:"cluster"` // its name, for messages
	Connection  Connection  `json:"connection"`
	Credentials Credentials `json:"-"`
	Namespace   string      `json:"namespace"`
	Name        string      `json:"name"`
	Key         string      `json:"key"`
}

// FileSecret is the content of a file.
type FileSecret struct {
	Path string `json:"path"` // relative to the configuration's directory
}

// EnvironmentSecret is a variable of gantry's own environment.
type EnvironmentSecret struct {
	Variable string `json:"variable"`
}

// CommandSecret is what a program prints. It is run without a shell.
type CommandSecret struct {
	Command string            `json:"command"`
	Args    []string          `json:"args,omitempty"`
	Env     map[string]string `json:"env,omitempty"`
	Timeout time.Duration     `json:"timeout,omitempty"`
}

// Credential is a password, key or token: its value, or the secret that it is in.
type Credential struct {
	Value  object.Sensitive
	Secret *Secret // nil where the value is there
}

// IsZero reports whether there is none.
func (c Credential) IsZero() bool { return c.Value == "" && c.Secret == nil }

// Resolve returns the value, which must be kept nowhere.
func (c Credential) Resolve(ctx context.Context, read ReadSecret) (object.Sensitive, error) {
	if c.Secret == nil {
		return c.Value, nil
	}
	return read(ctx, c.Secret)
}

// Secrets are the parts of a credential that are read when it is used; nil is a
// part that is not. The zero value is none. It is comparable by identity.
type Secrets struct {
	Username, Password, Token, SSHKey, ClientCert, ClientKey *Secret
}

// ReadSecret gives the value of a secret. Its errors never hold it.
type ReadSecret func(ctx context.Context, secret *Secret) (object.Sensitive, error)

// Into reads the secrets and puts each value where a part of a credential is kept.
// A part that there is no place for must have no secret.
func (s Secrets) Into(ctx context.Context, read ReadSecret, places Places) error {
	for _, part := range []struct {
		secret *Secret
		place  *object.Sensitive
	}{
		{s.Password, places.Password},
		{s.Token, places.Token},
		{s.SSHKey, places.SSHKey},
		{s.ClientCert, places.ClientCert},
		{s.ClientKey, places.ClientKey},
	} {
		if part.secret == nil {
			continue
		}
		v, err := read(ctx, part.secret)
		if err != nil {
			return err
		}
		if part.place == nil {
			return fmt.Errorf("there is no place for %s. This is a bug in gantry", part.secret.Address)
		}
		*part.place = v
	}
	if s.Username == nil {
		return nil
	}
	v, err := read(ctx, s.Username)
	if err != nil {
		return err
	}
	*places.Username = v.Reveal()
	return nil
}

// Places are where the parts of a credential are kept; nil for those it has not.
type Places struct {
	Username                                       *string
	Password, Token, SSHKey, ClientCert, ClientKey *object.Sensitive
}

// Resolve returns the credentials with the values of their secrets in place, and
// no secrets any more. They must be kept nowhere.
func (c Credentials) Resolve(ctx context.Context, read ReadSecret) (Credentials, error) {
	out := c
	out.Secrets = Secrets{}
	err := c.Secrets.Into(ctx, read, Places{
		Username: &out.Username, Password: &out.Password, Token: &out.Token, ClientCert: &out.ClientCert, ClientKey: &out.ClientKey,
	})
	if err != nil {
		return Credentials{}, err
	}
	return out, nil
}
