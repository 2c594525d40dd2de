package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/signature"
)

// defaultExpiry is how long a saved plan can be applied where nothing says otherwise.
const defaultExpiry = 24 * time.Hour

// savingOptions are the flags that say how a plan is saved.
type savingOptions struct {
	signKeys  []string
	encryptTo []string
	expires   expiry
}

// register adds the flags to a command.
func (o *savingOptions) register(command *cobra.Command) {
	o.expires = expiry(defaultExpiry)
	flags := command.Flags()
	flags.StringArrayVar(&o.signKeys, "sign-key", nil, "with --out: sign the plan with the private key in this `file`: Ed25519 in PEM, or an SSH key, whose passphrase is in GANTRY_SIGN_PASSPHRASE; may be repeated")
	flags.StringArrayVar(&o.encryptTo, "encrypt-to", nil, "with --out: encrypt the plan file to this `key`: age1… or ssh-ed25519 AAAA…; may be repeated")
	flags.Var(&o.expires, "expires-in", "with --out: how long the plan can be applied, such as 72h, or never")
	complete(command, "encrypt-to", fixedCompletions())
	complete(command, "expires-in", fixedCompletions("1h", "24h", "72h", "never"))
}

// check refuses flags without a file to save to.
func (o *savingOptions) check(cmd *cobra.Command, out string) error {
	if given := firstSet(cmd, "sign-key", "encrypt-to", "expires-in"); given != "" && out == "" {
		return &usageError{command: cmd.CommandPath(), err: fmt.Errorf("--%s is about a saved plan: say with --out where to save it", given)}
	}
	return nil
}

// load reads the keys.
func (o *savingOptions) load(c *cli) (planfile.WriteOptions, error) {
	var out planfile.WriteOptions
	for _, path := range o.signKeys {
		signer, err := signature.LoadSigner(path, object.Sensitive(c.getenv("GANTRY_SIGN_PASSPHRASE")))
		if err != nil {
			return out, failure("Plan cannot be signed", err)
		}
		out.Signers = append(out.Signers, signer)
	}
	for _, text := range o.encryptTo {
		to, err := seal.ParseAddressee(text)
		if err != nil {
			return out, failure("Plan cannot be encrypted", err)
		}
		out.EncryptTo = append(out.EncryptTo, to)
	}
	return out, nil
}

// expiry is a flag: a duration, or never, which is 0.
type expiry time.Duration

// until is when a plan that was made at a time can no longer be applied; zero is never.
func (o *savingOptions) until(made time.Time) time.Time {
	if o.expires == 0 {
		return time.Time{}
	}
	return made.Add(o.expires.duration())
}

// duration is 0 for never.
func (e expiry) duration() time.Duration { return time.Duration(e) }

// String returns what Set takes.
func (e *expiry) String() string {
	if *e == 0 {
		return "never"
	}
	if d := time.Duration(*e); d%time.Hour != 0 {
		return d.String()
	}
	return fmt.Sprintf("%dh", time.Duration(*e)/time.Hour)
}

// Set parses a duration of at least a minute, or never.
func (e *expiry) Set(text string) error {
	if text == "never" {
		*e = 0
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < time.Minute {
		return errors.New("expected a duration of a minute or more, such as 72h, or never")
	}
	*e = expiry(d)
	return nil
}

// Type is what the help calls the value.
func (*expiry) Type() string { return "duration" }
