package planfile

import (
	"encoding/json"
	"errors"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
)

// credentials is target.Credentials as it is sealed. Of secrets it holds where they
// are, and never what.
type credentials struct {
	Token      string  `json:"token,omitempty"`
	ClientCert string  `json:"clientCert,omitempty"`
	ClientKey  string  `json:"clientKey,omitempty"`
	Username   string  `json:"username,omitempty"`
	Password   string  `json:"password,omitempty"`
	Secrets    secrets `json:"secrets,omitzero"`
}

// secrets is target.Secrets of a cluster as it is sealed.
type secrets struct {
	Token      *secret `json:"token,omitempty"`
	ClientCert *secret `json:"clientCert,omitempty"`
	ClientKey  *secret `json:"clientKey,omitempty"`
	Username   *secret `json:"username,omitempty"`
	Password   *secret `json:"password,omitempty"`
}

// secret is where a secret is, with the credentials of the cluster that it is in.
type secret struct {
	target.Secret
	Credentials *credentials `json:"credentials,omitempty"`
}

func encodeCredentials(c target.Credentials) ([]byte, error) { return json.Marshal(sealable(c)) }

func sealable(c target.Credentials) credentials {
	return credentials{
		Token: c.Token.Reveal(), ClientCert: c.ClientCert.Reveal(), ClientKey: c.ClientKey.Reveal(),
		Username: c.Username, Password: c.Password.Reveal(),
		Secrets: secrets{
			Token: sealableSecret(c.Secrets.Token), ClientCert: sealableSecret(c.Secrets.ClientCert), ClientKey: sealableSecret(c.Secrets.ClientKey),
			Username: sealableSecret(c.Secrets.Username), Password: sealableSecret(c.Secrets.Password),
		},
	}
}

func sealableSecret(s *target.Secret) *secret {
	if s == nil {
		return nil
	}
	out := &secret{Secret: *s}
	if s.Kubernetes != nil && !s.Kubernetes.Credentials.IsZero() {
		inner := sealable(s.Kubernetes.Credentials)
		out.Credentials = &inner
	}
	return out
}

func decodeCredentials(text []byte, into *target.Credentials) error {
	var c credentials
	if err := json.Unmarshal(text, &c); err != nil {
		return errors.New("what is sealed are not credentials") // the error could quote it
	}
	*into = c.open()
	return nil
}

func (c credentials) open() target.Credentials {
	return target.Credentials{
		Token: object.Sensitive(c.Token), ClientCert: object.Sensitive(c.ClientCert), ClientKey: object.Sensitive(c.ClientKey),
		Username: c.Username, Password: object.Sensitive(c.Password),
		Secrets: target.Secrets{
			Token: c.Secrets.Token.open(), ClientCert: c.Secrets.ClientCert.open(), ClientKey: c.Secrets.ClientKey.open(),
			Username: c.Secrets.Username.open(), Password: c.Secrets.Password.open(),
		},
	}
}

func (s *secret) open() *target.Secret {
	if s == nil {
		return nil
	}
	out := s.Secret
	if out.Kubernetes != nil && s.Credentials != nil {
		inner := *out.Kubernetes
		inner.Credentials = s.Credentials.open()
		out.Kubernetes = &inner
	}
	return &out
}
