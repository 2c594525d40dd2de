package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/signature"
	"github.com/gantrycd/gantry/plan/signature/sigstore"
)

// verifyKeysVariable names the files of keys of which every plan must be signed.
const verifyKeysVariable = "GANTRY_VERIFY_KEYS"

// readingOptions are the flags that say how a saved plan is opened and whom to trust.
type readingOptions struct {
	identities []string
	verifyKeys []string
	bundle     string
	policy     sigstore.Policy
}

// registerIdentity adds the flag of every command that opens a plan file.
func (o *readingOptions) registerIdentity(command *cobra.Command) {
	command.Flags().StringArrayVar(&o.identities, "identity", nil, "open an encrypted plan with the keys in this `file`: age's, or an SSH private key, whose passphrase is in GANTRY_IDENTITY_PASSPHRASE; may be repeated (default: the installation's)")
}

// registerTrust adds the flags of those that verify it.
func (o *readingOptions) registerTrust(command *cobra.Command) {
	flags := command.Flags()
	flags.StringArrayVar(&o.verifyKeys, "verify-key", nil, "demand a signature of a key in this `file`: Ed25519 in PEM, SSH public keys, or allowed_signers; may be repeated (beside those in $GANTRY_VERIFY_KEYS)")
	flags.StringVar(&o.bundle, "bundle", "", "demand that the sigstore bundle in this `file` is of the plan file")
	flags.StringVar(&o.policy.TrustedRoot, "trusted-root", "", "with --bundle: the `file` that says which authorities and logs are trusted")
	flags.StringVar(&o.policy.Issuer, "certificate-oidc-issuer", "", "with --bundle: the `URL` of who vouches for the signer")
	flags.StringVar(&o.policy.Identity, "certificate-identity", "", "with --bundle: the signer's `name`, such as the URL of a workflow")
	flags.StringVar(&o.policy.IdentityPattern, "certificate-identity-regexp", "", "with --bundle: a regular `expression` for the whole of the signer's name")
}

// trustFlags are those of registerTrust and registerIdentity.
func trustFlags() []string {
	return []string{"verify-key", "bundle", "trusted-root", "certificate-oidc-issuer", "certificate-identity", "certificate-identity-regexp", "identity"}
}

// opened is a plan file that was read, and what speaks for it.
type opened struct {
	*planfile.File
	Bundle *sigstore.Verified // nil where none was demanded
	data   []byte             // the file as it is
}

// speaker says who speaks for the plan file; empty where nobody was asked for.
func (o *opened) speaker() string {
	if o.Bundle != nil {
		return o.Bundle.Identity + " (" + o.Bundle.Issuer + ")"
	}
	var names []string
	for _, v := range o.Verified {
		names = append(names, strings.TrimSpace(v.Name+" "+v.KeyID))
	}
	return strings.Join(names, ", ")
}

// trusted returns the keys of which a signature is demanded; nil where none is.
func (c *cli) trusted(o readingOptions) (*signature.Keys, error) {
	files := append([]string{}, o.verifyKeys...)
	named := c.getenv(verifyKeysVariable)
	for _, path := range filepath.SplitList(named) {
		if path != "" {
			files = append(files, path)
		}
	}
	if named != "" && len(files) == 0 {
		return nil, fmt.Errorf("%s is %q, and names no file: to demand no signature, unset it", verifyKeysVariable, named)
	}
	if len(files) == 0 {
		return nil, nil
	}
	return signature.LoadKeys(files...)
}

// openPlan reads a plan file, once what speaks for it is as demanded.
func (c *cli) openPlan(ctx context.Context, path string, o readingOptions) (*opened, error) {
	if o.bundle == "" && o.policy != (sigstore.Policy{}) {
		return nil, failure("Plan file cannot be verified", errors.New("a trusted root and a signer are for a sigstore bundle: say with --bundle which file has it"))
	}
	keys, err := c.trusted(o)
	if err != nil {
		return nil, failure("Plan file cannot be verified", err)
	}
	data, err := planfile.Load(path)
	if err != nil {
		return nil, failure("Plan file cannot be read", err)
	}
	out := &opened{data: data}
	if o.bundle != "" {
		if out.Bundle, err = sigstore.Verify(data, o.bundle, o.policy); err != nil {
			return nil, failure("Plan file is not trusted", fmt.Errorf("%s: %w", path, err))
		}
	}
	if out.File, err = c.decode(ctx, data, o, keys); err != nil {
		summary := "Plan file cannot be read"
		if errors.Is(err, planfile.ErrSignature) {
			summary = "Plan file is not trusted"
		}
		return nil, failure(summary, fmt.Errorf("%s: %w", path, err))
	}
	return out, nil
}

// decode reads a plan file's bytes. The installation's identity is looked for only
// where the file is encrypted and nothing else is to open it.
func (c *cli) decode(ctx context.Context, data []byte, o readingOptions, trusted *signature.Keys) (*planfile.File, error) {
	options := planfile.ReadOptions{Trusted: trusted}
	for _, path := range o.identities {
		keys, err := seal.LoadKeys(path, object.Sensitive(c.getenv("GANTRY_IDENTITY_PASSPHRASE")))
		if err != nil {
			return nil, err
		}
		options.Keys = append(options.Keys, keys...)
	}
	found, err := planfile.Read(bytes.NewReader(data), options)
	if !errors.Is(err, planfile.ErrEncrypted) || len(o.identities) > 0 {
		return found, err
	}
	dir, dirErr := c.directory()
	if dirErr != nil {
		return nil, dirErr
	}
	if err := c.planKeys(ctx, &options); err != nil {
		return nil, err
	}
	identity, idErr := c.loadIdentity(filepath.Join(dir, stateFolder))
	if idErr == nil {
		options.Keys = append(options.Keys, identity.Key())
	} else if !errors.Is(idErr, seal.ErrNoIdentity) {
		return nil, idErr
	}
	if len(options.Keys)+len(options.SecretKeys) == 0 {
		return nil, fmt.Errorf("%w: say with --identity which file has one", err)
	}
	return planfile.Read(bytes.NewReader(data), options)
}

// onlySigned refuses to apply what was just planned where only signed plans may be.
func (c *cli) onlySigned(command string) error {
	if c.getenv(verifyKeysVariable) == "" {
		return nil
	}
	return failure("Only signed plans are applied", fmt.Errorf(
		"%s names the keys of which a plan must be signed, and %q plans anew: save a plan with \"gantry plan --out FILE --sign-key KEY\", and apply that", verifyKeysVariable, command))
}
