package seal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/gantrycd/gantry/plan/object"
)

// ErrNoIdentity means that there is no identity file.
var ErrNoIdentity = errors.New("there is no identity file")

// Load reads an identity file: comments, blank lines and one secret key, as
// age-keygen writes it. It refuses a file that others may read. Where there is no
// file the error is ErrNoIdentity.
func Load(path string) (*Identity, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoIdentity, path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the identity: %w", err)
	}
	if err := private(path); err != nil {
		return nil, err
	}
	identity, err := parseFile(string(text))
	if err != nil {
		return nil, fmt.Errorf("identity file %s: %w", path, err)
	}
	return identity, nil
}

// private refuses a file that others than its owner may read.
func private(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("reading the identity: %w", err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return fmt.Errorf("identity file %s may be read by others (mode %04o): run chmod 600 on it", path, mode)
	}
	return nil
}

// LoadOrCreate reads the identity file, or makes a new identity and writes it
// for its owner alone. Of several processes that create one file, all return the
// same identity.
func LoadOrCreate(path string) (identity *Identity, created bool, err error) {
	identity, err = Load(path)
	if !errors.Is(err, ErrNoIdentity) {
		return identity, false, err
	}
	if identity, err = GenerateIdentity(); err != nil {
		return nil, false, err
	}
	switch err := createFile(path, identity); {
	case errors.Is(err, fs.ErrExist): // another process was faster
		identity, err := Load(path)
		return identity, false, err
	case err != nil:
		return nil, false, fmt.Errorf("writing the identity: %w", err)
	}
	return identity, true, nil
}

// createFile writes a new identity file, whole or not at all. The error is
// fs.ErrExist where there is one.
func createFile(path string, identity *Identity) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, ".identity-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	_, err = fmt.Fprintf(file, "# The identity of this gantry installation. It opens the secrets in plans and state:\n"+
		"# keep it as you keep a private key, and keep a copy of it.\n# created: %s\n# public key: %s\n%s\n",
		time.Now().UTC().Format(time.RFC3339), identity.Recipient(), identity.SecretKey().Reveal())
	if err != nil {
		return errors.Join(err, file.Close())
	}
	if err := file.Sync(); err != nil {
		return errors.Join(err, file.Close())
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Link(file.Name(), path) // unlike a rename it replaces nothing
}

func parseFile(text string) (*Identity, error) {
	var found *Identity
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if found != nil {
			return nil, errors.New("there is more than one secret key in it")
		}
		identity, err := ParseIdentity(object.Sensitive(line))
		if err != nil {
			return nil, err
		}
		found = identity
	}
	if found == nil {
		return nil, errors.New("there is no secret key in it")
	}
	return found, nil
}
