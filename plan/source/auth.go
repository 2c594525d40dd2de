package source

import (
	"context"

	"github.com/gantrycd/gantry/plan/target"
)

// HasSecrets reports whether parts of it are read when it is used.
func (a *Auth) HasSecrets() bool { return a != nil && a.Secrets != target.Secrets{} }

// LogsIn reports whether it holds any credential, and not only how far to trust
// the server.
func (a *Auth) LogsIn() bool {
	if a == nil {
		return false
	}
	login := *a
	login.CAData, login.Insecure, login.KnownHosts = "", false, ""
	return login != Auth{}
}

// Resolve returns how to log in with the values of the secrets in place, and no
// secrets any more. It must be kept nowhere.
func (a Auth) Resolve(ctx context.Context, read target.ReadSecret) (*Auth, error) {
	out := a
	out.Secrets = target.Secrets{}
	err := a.Secrets.Into(ctx, read, target.Places{
		Username: &out.Username, Password: &out.Password, Token: &out.Token, SSHKey: &out.SSHKey,
		ClientCert: &out.ClientCert, ClientKey: &out.ClientKey,
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}
