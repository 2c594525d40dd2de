package oidc

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/object"
)

// Store keeps logins of one person in a folder of theirs: a file for each issuer and client,
// that nobody else can read.
type Store struct {
	Dir string
}

// kept is a login in its file.
type kept struct {
	FormatVersion int       `json:"formatVersion"`
	Issuer        string    `json:"issuer"`
	Client        string    `json:"client"`
	Token         string    `json:"token"`
	Refresh       string    `json:"refresh,omitempty"`
	Expires       time.Time `json:"expires"`
}

const storeVersion = 1

func (s Store) path(issuer *identity.Issuer) string {
	sum := sha256.Sum256([]byte(issuer.URL + "\n" + issuer.Client()))
	return filepath.Join(s.Dir, hex.EncodeToString(sum[:16])+".json")
}

// Load returns the login at an issuer; nil where there is none. A file that others can read,
// or change, is refused.
func (s Store) Load(issuer *identity.Issuer) (*Login, error) {
	path := s.path(issuer)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the login cannot be read: %w", err)
	}
	if !info.Mode().IsRegular() || othersMay(info.Mode()) {
		return nil, fmt.Errorf("the login in %s is not taken: it is open to others (%s), and whoever reads it is you: remove it, and %w", path, info.Mode(), ErrLogin)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the login cannot be read: %w", err)
	}
	var found kept
	if err := json.Unmarshal(text, &found); err != nil || found.FormatVersion != storeVersion || found.Issuer != issuer.URL || found.Client != issuer.Client() {
		return nil, fmt.Errorf("the login in %s cannot be read: %w", path, ErrLogin)
	}
	return &Login{
		Issuer: found.Issuer, Client: found.Client, Token: object.Sensitive(found.Token), Refresh: object.Sensitive(found.Refresh), Expires: found.Expires,
	}, nil
}

// Save keeps a login, in the place of an older one.
func (s Store) Save(issuer *identity.Issuer, login *Login) error {
	text, err := json.Marshal(kept{
		FormatVersion: storeVersion, Issuer: login.Issuer, Client: login.Client,
		Token: login.Token.Reveal(), Refresh: login.Refresh.Reveal(), Expires: login.Expires.UTC(),
	})
	if err != nil {
		return fmt.Errorf("the login cannot be kept: %w", err)
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("the login cannot be kept: %w", err)
	}
	file, err := os.CreateTemp(s.Dir, ".login-*") // which makes it 0600
	if err != nil {
		return fmt.Errorf("the login cannot be kept: %w", err)
	}
	_, err = file.Write(append(text, '\n'))
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), s.path(issuer))
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return fmt.Errorf("the login cannot be kept: %w", err)
	}
	return nil
}

// Remove forgets a login, and reports whether there was one.
func (s Store) Remove(issuer *identity.Issuer) (bool, error) {
	err := os.Remove(s.path(issuer))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("the login cannot be removed: %w", err)
	}
	return true, nil
}
