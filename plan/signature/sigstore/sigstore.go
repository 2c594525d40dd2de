// Package sigstore verifies that a file was signed by who a sigstore bundle says,
// without any network: what is trusted is in a file (a trusted root), and so is what
// logs and timestamp authorities said (the bundle). It signs nothing: cosign, and the
// forges' own actions, make bundles. It knows nothing of plans.
package sigstore

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

// Policy says whom to trust.
type Policy struct {
	// TrustedRoot is a file: certificate authorities, logs and timestamp authorities, as
	// "cosign trusted-root create" or "gh attestation trusted-root" writes them.
	TrustedRoot string
	// Issuer is who vouches for the signer: the URL of an OpenID Connect issuer.
	Issuer string
	// Identity is the signer, as the certificate has it: an address, the URL of a
	// workflow. IdentityPattern is a regular expression for the whole of it; one of the
	// two is given.
	Identity, IdentityPattern string
}

// Verified is a bundle that was found to be right.
type Verified struct {
	Identity string    `json:"identity"`
	Issuer   string    `json:"issuer"`
	SignedAt time.Time `json:"signedAt"` // as a log or a timestamp authority says
	Bundle   string    `json:"bundle"`
}

// ErrUntrusted means that a bundle is not what the policy asks for.
var ErrUntrusted = errors.New("the sigstore bundle is not trusted")

// check refuses a policy that would trust too many.
func (p *Policy) check() error {
	switch {
	case p.TrustedRoot == "":
		return errors.New("a sigstore bundle is verified against a trusted root: say which file has it")
	case p.Issuer == "":
		return errors.New("a sigstore bundle is verified for a signer: say which issuer vouches for it")
	case p.Identity == "" && p.IdentityPattern == "":
		return errors.New("a sigstore bundle is verified for a signer: say which identity it must have")
	case p.Identity != "" && p.IdentityPattern != "":
		return errors.New("a signer is either an identity or a pattern, not both")
	}
	return nil
}

// Verify checks that the bundle in a file is a signature, or an attestation, of a
// content by the one whom the policy names. Whatever the trusted root knows of is
// demanded: where it has transparency logs the signature must be in one, where it has
// certificate logs the certificate must be; and when it was signed is always attested.
func Verify(content []byte, bundleFile string, policy Policy) (*Verified, error) {
	if err := policy.check(); err != nil {
		return nil, err
	}
	trusted, err := root.NewTrustedRootFromPath(policy.TrustedRoot)
	if err != nil {
		return nil, fmt.Errorf("trusted root %s: %w", policy.TrustedRoot, err)
	}
	entity, err := bundle.LoadJSONFromPath(bundleFile)
	if err != nil {
		return nil, fmt.Errorf("sigstore bundle %s: %w", bundleFile, err)
	}
	pattern := ""
	if policy.IdentityPattern != "" {
		pattern = "^(?:" + policy.IdentityPattern + ")$"
	}
	identity, err := verify.NewShortCertificateIdentity(policy.Issuer, "", policy.Identity, pattern)
	if err != nil {
		return nil, fmt.Errorf("the signer to expect: %w", err)
	}
	verifier, err := verify.NewVerifier(trusted, demands(trusted)...)
	if err != nil {
		return nil, fmt.Errorf("trusted root %s: %w", policy.TrustedRoot, err)
	}
	result, err := verifier.Verify(entity, verify.NewPolicy(verify.WithArtifact(bytes.NewReader(content)), verify.WithCertificateIdentity(identity)))
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrUntrusted, bundleFile, err)
	}
	out := &Verified{Bundle: bundleFile}
	if result.Signature != nil && result.Signature.Certificate != nil {
		out.Identity, out.Issuer = result.Signature.Certificate.SubjectAlternativeName, result.Signature.Certificate.Issuer
	}
	for _, at := range result.VerifiedTimestamps {
		if out.SignedAt.IsZero() || at.Timestamp.Before(out.SignedAt) {
			out.SignedAt = at.Timestamp.UTC()
		}
	}
	return out, nil
}

// demands are what a bundle must have, given what is trusted.
func demands(trusted root.TrustedMaterial) []verify.VerifierOption {
	options := []verify.VerifierOption{verify.WithObserverTimestamps(1)}
	if len(trusted.RekorLogs()) > 0 {
		options = append(options, verify.WithTransparencyLog(1))
	}
	if len(trusted.CTLogs()) > 0 {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	return options
}
