package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers/identity/claimant"
	"github.com/gantrycd/gantry/providers/identity/oidc"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/process"
)

// Where the proof of who runs a command comes from, beside the flags.
const (
	tokenVariable     = "GANTRY_IDENTITY_TOKEN"
	tokenFileVariable = "GANTRY_IDENTITY_TOKEN_FILE"
	sshKeyVariable    = "GANTRY_IDENTITY_SSH_KEY"
)

// maxTokenFile is how much of a token's file is read: more is no token.
const maxTokenFile = 1 << 20

// whoFlags are the flags that say who runs the command.
type whoFlags struct {
	token  string // --identity-token
	sshKey string // --identity-ssh-key

	asked *identity.Identity // who it is, once that was asked
}

// who returns who runs a command, for the audit log, for others who find the state held, and
// for roles. The configuration says who may vouch for that; nil has it read here, without what
// it reads itself. Nobody is asked twice.
func (c *cli) who(ctx context.Context, command string, config *lang.Config) (state.Holder, error) {
	by := process.Self(command, time.Now())
	if c.whoFlags.asked == nil {
		if config == nil {
			read, _, err := c.evaluate(ctx, &inputs{partial: true}, nil)
			if err != nil {
				return by, err
			}
			config = read.config // without it, or where it is broken, nobody is trusted
		}
		if config == nil || config.Settings.Identity.IsZero() {
			return by, nil
		}
		asking, err := c.claimant()
		if err != nil {
			return by, err
		}
		found, claimed := asking.Identify(ctx, &config.Settings.Identity)
		c.whoFlags.asked = &found
		if claimed && !found.Verified {
			c.printDiagnostics(nil, hcl.Diagnostics{{
				Severity: hcl.DiagWarning, Summary: "Identity not verified",
				Detail: fmt.Sprintf("Nobody vouches for who runs this, and roles give no more than the default role's rights: %s.", found.Unverified),
			}})
		}
	}
	by.Identity = c.whoFlags.asked
	return by, nil
}

// loadTrust reads the configuration for whom it trusts. Warnings are for who plans.
func (c *cli) loadTrust(ctx context.Context) (*loaded, error) {
	read, diags, err := c.evaluate(ctx, &inputs{partial: true}, nil)
	if err != nil {
		return nil, err
	}
	c.printDiagnostics(read.files, onlyErrors(diags))
	return read, failed(diags)
}

// by is who for what works with a configuration.
func (w *work) by(ctx context.Context) (state.Holder, error) {
	return w.cli.who(ctx, w.options.command, w.config)
}

// claimant returns what there is to prove who runs the command.
func (c *cli) claimant() (*claimant.Claimant, error) {
	dir, err := c.directory()
	if err != nil {
		return nil, err
	}
	token, err := c.identityToken()
	if err != nil {
		return nil, failure("Identity token cannot be read", err)
	}
	cache, err := c.cache()
	if err != nil {
		return nil, err
	}
	logins, err := c.logins()
	if err != nil {
		return nil, err
	}
	key := c.whoFlags.sshKey
	if key == "" {
		key = c.getenv(sshKeyVariable)
	}
	clusters := c.clusters(dir, cache)
	return &claimant.Claimant{
		Token: token, KeyFile: key, KeyPassphrase: object.Sensitive(c.getenv("GANTRY_IDENTITY_PASSPHRASE")),
		Actions: oidc.Actions{
			URL: c.getenv("ACTIONS_ID_TOKEN_REQUEST_URL"), Token: object.Sensitive(c.getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")),
		},
		Logins: logins, AgentSocket: c.getenv("SSH_AUTH_SOCK"),
		OIDC: oidc.Options{Proxy: http.ProxyFromEnvironment}, Clusters: clusters, Read: c.secrets(dir, clusters),
	}, nil
}

// logins returns where "gantry login" keeps logins: in the user's own configuration.
func (c *cli) logins() (oidc.Store, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return oidc.Store{}, failure("No place for logins", fmt.Errorf("where the user's configuration is cannot be told: %w", err))
	}
	return oidc.Store{Dir: filepath.Join(dir, "gantry", "logins")}, nil
}

// identityToken returns the token that is given by flag or environment, without the line
// break at its end; empty where none is.
func (c *cli) identityToken() (object.Sensitive, error) {
	if c.whoFlags.token != "" {
		return object.Sensitive(strings.TrimSpace(c.whoFlags.token)), nil
	}
	text, file := c.getenv(tokenVariable), c.getenv(tokenFileVariable)
	switch {
	case text != "" && file != "":
		return "", fmt.Errorf("both %s and %s are set, so that it cannot be told which counts: unset one of them", tokenVariable, tokenFileVariable)
	case text != "":
		return object.Sensitive(strings.TrimSpace(text)), nil
	case file == "":
		return "", nil
	}
	info, err := os.Stat(file)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxTokenFile) {
		err = fmt.Errorf("%s is no file with a token", file)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", tokenFileVariable, err)
	}
	read, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", tokenFileVariable, err)
	}
	token := strings.TrimSpace(string(read))
	if token == "" {
		return "", fmt.Errorf("%s: %w", tokenFileVariable, errors.New("the file is empty"))
	}
	return object.Sensitive(token), nil
}
