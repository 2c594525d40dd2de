package github

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/url"
	"time"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/notify/post"
)

// installation returns the token of the app's installation, which lasts an hour and is
// asked for again before that.
func (n *Notifier) installation(ctx context.Context) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.token != "" && n.now().Before(n.expires.Add(-time.Minute)) {
		return n.token, nil
	}
	signed, err := n.appToken()
	if err != nil {
		return "", err
	}
	answer, err := n.request(ctx, "app/installations/"+url.PathEscape(n.config.Setting("installation_id", ""))+"/access_tokens", signed, nil)
	if err != nil {
		// Nothing of the message was sent, whatever became of the request for a token.
		var failed *providers.DeliveryError
		if errors.As(err, &failed) && failed.Verdict == providers.Unanswered {
			err = post.Later(0, failed.Err)
		}
		return "", err
	}
	var said struct {
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	if err := json.Unmarshal(answer.Body, &said); err != nil || said.Token == "" {
		return "", post.Later(0, errors.New("GitHub gave no token for the app"))
	}
	n.token, n.expires = said.Token, said.ExpiresAt
	return n.token, nil
}

// appToken is the token that the app itself logs in with: a JWT of a few minutes.
func (n *Notifier) appToken() (string, error) {
	block, _ := pem.Decode([]byte(n.config.Secret("private_key")))
	if block == nil {
		return "", post.Refuse(errors.New("the app's private key is not PEM"))
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return "", post.Refuse(errors.New("the app's private key cannot be read"))
		}
		var ok bool
		if key, ok = parsed.(*rsa.PrivateKey); !ok {
			return "", post.Refuse(errors.New("the app's private key is no RSA key"))
		}
	}
	now := n.now()
	claims, err := json.Marshal(map[string]any{
		"iat": now.Add(-time.Minute).Unix(), "exp": now.Add(8 * time.Minute).Unix(), "iss": n.config.Setting("app_id", ""),
	})
	if err != nil {
		return "", post.Refuse(err)
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", post.Refuse(errors.New("the app's private key cannot sign"))
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

var _ providers.Notifier = (*Notifier)(nil)
