package github

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/rest"
	"github.com/gantrycd/gantry/providers/forge/shape"
)

const (
	// appLogin is for how long what an app logs in with counts: GitHub takes ten minutes at
	// most, by its clock.
	appLogin = 9 * time.Minute
	// skew is by how much clocks may differ.
	skew = time.Minute
	// renewed is how long before its end a token is not used any more.
	renewed = 5 * time.Minute
)

// installation is an app where it is installed. It makes tokens, each of which counts for an
// hour, with its key, which goes nowhere. It is safe for concurrent use.
type installation struct {
	api    *rest.Client // as the app
	app    shape.App
	path   string // of the repository or owner in the API
	signer jose.Signer

	mu    sync.Mutex
	id    string
	token object.Sensitive
	until time.Time
}

// appTokens returns the source of an app's tokens; the options are those of its client.
func appTokens(options rest.Options, app *shape.App, path string) (*installation, error) {
	if app.ID == "" {
		return nil, fmt.Errorf("the app has no id: %w", providers.ErrInvalid)
	}
	key, err := rsaKey([]byte(app.Key.Reveal()))
	if err != nil {
		return nil, err
	}
	out := &installation{app: *app, path: path, id: app.Installation}
	out.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("the private key of the app cannot sign: %w", err)
	}
	options.Authorize = out.login
	out.api, err = rest.New(options)
	return out, err
}

// rsaKey reads a private key as GitHub gives it. Nothing of it is in an error.
func rsaKey(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("the private key of the app is not in PEM: it begins with -----BEGIN RSA PRIVATE KEY-----: %w", providers.ErrInvalid)
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if key, ok := parsed.(*rsa.PrivateKey); err == nil && ok {
		return key, nil
	}
	return nil, fmt.Errorf("the private key of the app is no RSA key that is not encrypted: %w", providers.ErrInvalid)
}

// login is what the app itself logs in with.
func (i *installation) login(context.Context) (object.Sensitive, error) {
	now := time.Now()
	claims, err := json.Marshal(map[string]any{"iss": i.app.ID, "iat": now.Add(-skew).Unix(), "exp": now.Add(appLogin).Unix()})
	if err != nil {
		return "", fmt.Errorf("the login of the app cannot be written: %w", err)
	}
	signed, err := i.signer.Sign(claims)
	if err != nil {
		return "", fmt.Errorf("the private key of the app cannot sign: %w", err)
	}
	text, err := signed.CompactSerialize()
	return object.Sensitive("Bearer " + text), err
}

// authorization is what the app logs in with where it is installed.
func (i *installation) authorization(ctx context.Context) (object.Sensitive, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if time.Now().Add(renewed).Before(i.until) {
		return "Bearer " + i.token, nil
	}
	if i.id == "" {
		if err := i.find(ctx); err != nil {
			return "", fmt.Errorf("where the app is installed: %w", err)
		}
	}
	var made struct {
		Token string    `json:"token"`
		Until time.Time `json:"expires_at"`
	}
	// No more than one repository is asked for, where one is meant.
	var scope any
	if _, repository, ok := strings.Cut(strings.TrimPrefix(i.path, "repos/"), "/"); ok && strings.HasPrefix(i.path, "repos/") {
		scope = map[string]any{"repositories": []string{repository}}
	}
	// Another token does no harm.
	_, err := i.api.Do(ctx, rest.Request{Method: http.MethodPost, Path: restPath(i.api, "app/installations/"+rest.Escape(i.id)+"/access_tokens"), Body: scope}, &made)
	if err != nil {
		return "", fmt.Errorf("the token of the app: %w", err)
	}
	if made.Token == "" || strings.ContainsAny(made.Token, " \r\n\x00") {
		return "", fmt.Errorf("the token of the app is %w: the answer has none", providers.ErrUnreachable)
	}
	i.token, i.until = object.Sensitive(made.Token), made.Until
	return "Bearer " + i.token, nil
}

// find finds out where the app is installed.
func (i *installation) find(ctx context.Context) error {
	var found struct {
		ID int64 `json:"id"`
	}
	err := providers.ErrNotFound
	if name, owner := strings.CutPrefix(i.path, "users/"); owner { // an organization, or a person
		err = i.api.Get(ctx, restPath(i.api, "orgs/"+name+"/installation"), nil, &found)
	}
	if errors.Is(err, providers.ErrNotFound) {
		err = i.api.Get(ctx, restPath(i.api, i.path+"/installation"), nil, &found)
	}
	if err != nil {
		return err
	}
	i.id = strconv.FormatInt(found.ID, 10)
	return nil
}
