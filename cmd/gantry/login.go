package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/providers/identity/oidc"
)

func newLogin(c *cli) *cobra.Command {
	var options loginOptions
	command := &cobra.Command{
		Use:   "login",
		Short: "Log in at the issuer that the configuration trusts",
		Long: `Logs in at an OpenID Connect issuer of gantry { identity }, so that commands know who runs
them. A browser is opened on this machine, which the issuer sends back here; with --device you
open an address on any device, and enter a code there.

The login is kept in your own configuration directory, for nobody else to read, and renewed
when it is needed. "gantry logout" removes it.`,
		Example: `  gantry login
  gantry login --device
  gantry login --issuer https://login.example.com`,
		Args: takes(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if options.device && options.noBrowser {
				return &usageError{command: "gantry login", err: errors.New("with --device no browser is opened here, so that --no-browser has no effect: leave it out")}
			}
			return c.login(cmd.Context(), options)
		},
	}
	flags := command.Flags()
	flags.StringVar(&options.issuer, "issuer", "", "the `URL` of the issuer, where the configuration trusts several")
	flags.BoolVar(&options.device, "device", false, "log in from another device")
	flags.BoolVar(&options.noBrowser, "no-browser", false, "open no browser, and only say which address to open on this machine")
	complete(command, "issuer", c.issuerCompletions())
	return command
}

// loginOptions are the flags of "gantry login".
type loginOptions struct {
	issuer            string
	device, noBrowser bool
}

func newLogout(c *cli) *cobra.Command {
	var issuer string
	command := &cobra.Command{
		Use:   "logout",
		Short: "Forget a login",
		Long: `Removes what "gantry login" keeps for the issuers of the configuration, or for one of them. You
stay logged in at the issuer itself, in the browser.`,
		Example: `  gantry logout`,
		Args:    takes(0, 0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.logout(cmd.Context(), issuer) },
	}
	command.Flags().StringVar(&issuer, "issuer", "", "only the login at the issuer with this `URL`")
	complete(command, "issuer", c.issuerCompletions())
	return command
}

// issuers returns the issuers that the configuration trusts, or the one with a URL.
func (c *cli) issuers(ctx context.Context, address string) ([]identity.Issuer, error) {
	read, err := c.loadTrust(ctx)
	if err != nil {
		return nil, err
	}
	trusted := read.config.Settings.Identity.Issuers
	if len(trusted) == 0 {
		return nil, failure("No issuer", errors.New("the configuration trusts no OpenID Connect issuer: say which it is in gantry { identity { oidc { issuer = \"https://…\" } } }"))
	}
	if address == "" {
		return trusted, nil
	}
	found := slices.DeleteFunc(slices.Clone(trusted), func(i identity.Issuer) bool { return i.URL != address })
	if len(found) == 0 {
		have := issuerURLs(trusted)
		if near := schema.Suggest(address, have); near != "" {
			return nil, failure("Unknown issuer", fmt.Errorf("the configuration does not trust %q. Did you mean %q?", address, near))
		}
		return nil, failure("Unknown issuer", fmt.Errorf("the configuration does not trust %q: it trusts %s", address, schema.List(have, "and")))
	}
	return found, nil
}

func issuerURLs(issuers []identity.Issuer) []string {
	out := make([]string, len(issuers))
	for i := range issuers {
		out[i] = issuers[i].URL
	}
	return slices.Compact(slices.Sorted(slices.Values(out)))
}

// issuerCompletions lists the issuers of the configuration.
func (c *cli) issuerCompletions() cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		read, _, err := c.evaluate(cmd.Context(), &inputs{partial: true}, nil)
		if err != nil || read.config == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return issuerURLs(read.config.Settings.Identity.Issuers), cobra.ShellCompDirectiveNoFileComp
	}
}

// login logs in and keeps that.
func (c *cli) login(ctx context.Context, options loginOptions) error {
	trusted, err := c.issuers(ctx, options.issuer)
	if err != nil {
		return err
	}
	if len(trusted) > 1 {
		return failure("Which issuer", fmt.Errorf("the configuration trusts several issuers: say with --issuer which of them: %s", schema.List(issuerURLs(trusted), "or")))
	}
	store, err := c.logins()
	if err != nil {
		return err
	}
	issuer, err := oidc.New(trusted[0], oidc.Options{Proxy: http.ProxyFromEnvironment})
	if err != nil {
		return failure("Not logged in", err)
	}
	var login *oidc.Login
	var found identity.Identity
	if options.device {
		login, found, err = issuer.Device(ctx, func(address, code string) {
			_, _ = fmt.Fprintf(c.err, "Open %s on any device and enter the code %s.\n", address, code)
		})
	} else {
		login, found, err = issuer.Browser(ctx, func(address string) { c.browse(ctx, address, options.noBrowser) })
	}
	if err != nil {
		return failure("Not logged in", err)
	}
	if err := store.Save(&trusted[0], login); err != nil {
		return failure("Not logged in", err)
	}
	return c.showIdentity(&found)
}

// browse opens an address in a browser: that of $BROWSER, or the system's where somebody looks
// at a terminal. It always says which address it is.
func (c *cli) browse(ctx context.Context, address string, never bool) {
	_, _ = fmt.Fprintf(c.err, "Log in with a browser on this machine:\n\n  %s\n\n", address)
	program := []string{c.getenv("BROWSER")}
	switch {
	case never:
		return
	case program[0] != "":
	case !isTerminal(c.err):
		return
	case runtime.GOOS == "darwin":
		program = []string{"open"}
	case runtime.GOOS == "windows":
		program = []string{"rundll32", "url.dll,FileProtocolHandler"}
	default:
		program = []string{"xdg-open"}
	}
	// Whether it opens can be seen, and the address is there if not.
	command := exec.CommandContext(ctx, program[0], append(program[1:], address)...)
	if command.Start() == nil {
		go func() { _ = command.Wait() }()
	}
}

// logout forgets logins.
func (c *cli) logout(ctx context.Context, address string) error {
	trusted, err := c.issuers(ctx, address)
	if err != nil {
		return err
	}
	store, err := c.logins()
	if err != nil {
		return err
	}
	forgotten := []string{}
	for i := range trusted {
		removed, err := store.Remove(&trusted[i])
		if err != nil {
			return failure("Login cannot be removed", err)
		}
		if removed {
			forgotten = append(forgotten, trusted[i].URL)
		}
	}
	if c.json {
		return c.writeJSON(map[string]any{"forgotten": forgotten})
	}
	for _, one := range forgotten {
		if _, err := fmt.Fprintf(c.out, "The login at %s is forgotten.\n", one); err != nil {
			return err
		}
	}
	if len(forgotten) == 0 {
		_, err = fmt.Fprintln(c.out, "Nobody was logged in.")
	}
	return err
}
