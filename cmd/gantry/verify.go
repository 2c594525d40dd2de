package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/plan/signature"
	"github.com/gantrycd/gantry/plan/signature/sigstore"
)

func newVerify(c *cli) *cobra.Command {
	var trust readingOptions
	command := &cobra.Command{
		Use:   "verify PLANFILE",
		Short: "Check a saved plan, and say who stands behind it",
		Long: `Checks that a plan file is whole, and that it has the signatures that are demanded;
then says what it is for: its digests, when it expires, which clusters and
applications it is about. Nothing but files is read, so that it works anywhere.

Without --verify-key, $GANTRY_VERIFY_KEYS and --bundle no signature is demanded. Then
damage is detected, and forgery is not: whoever can write the file can make one that
is whole.

An expired plan is no error of verify; apply refuses it. The exit code is 1 where the
file is not whole, or not trusted.`,
		Example: `  gantry verify next.gantryplan
  gantry verify next.gantryplan --verify-key ci.pub
  gantry verify next.gantryplan --verify-key allowed_signers --json | jq -r .digest
  gantry verify next.gantryplan --bundle next.sigstore.json --trusted-root trusted_root.json \
    --certificate-oidc-issuer https://token.actions.githubusercontent.com \
    --certificate-identity https://github.com/example/deploy/.github/workflows/plan.yml@refs/heads/main`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			saved, err := c.openPlan(cmd.Context(), args[0], trust)
			if err != nil {
				return err
			}
			told := tell(args[0], saved, time.Now())
			if c.json {
				return c.writeJSON(told)
			}
			_, err = fmt.Fprint(c.out, told.text())
			return err
		},
		ValidArgsFunction: planFileCompletions,
	}
	trust.registerIdentity(command)
	trust.registerTrust(command)
	return command
}

// verification is what `gantry verify --json` prints.
type verification struct {
	File         string             `json:"file"`
	Format       int                `json:"format"`
	ID           string             `json:"id"`
	ToolVersion  string             `json:"toolVersion"`
	CreatedAt    time.Time          `json:"createdAt"`
	ExpiresAt    *time.Time         `json:"expiresAt"` // null: never
	Expired      bool               `json:"expired"`
	Digest       string             `json:"digest"`
	InputDigest  string             `json:"inputDigest"`
	Lineage      string             `json:"lineage"`
	Encrypted    bool               `json:"encrypted"`
	Sealed       bool               `json:"sealed"`  // it holds secrets, which only the installation's identity opens
	Trusted      bool               `json:"trusted"` // what was demanded is there; false where nothing was
	Signatures   []verifiedKey      `json:"signatures"`
	Bundle       *sigstore.Verified `json:"bundle"`
	Clusters     []verifiedCluster  `json:"clusters"`
	Applications []verifiedApp      `json:"applications"`
}

type verifiedKey struct {
	signature.Verified
	Trusted bool `json:"trusted"`
}

type verifiedCluster struct {
	Name   string `json:"name"`
	UID    string `json:"uid"`
	Server string `json:"server"`
}

type verifiedApp struct {
	Address    string      `json:"address"`
	Cluster    string      `json:"cluster"`
	Digest     string      `json:"digest"`
	HasChanges bool        `json:"hasChanges"`
	Blocked    bool        `json:"blocked"`
	Approval   bool        `json:"needsApproval,omitempty"`
	Counts     plan.Counts `json:"counts"`
}

func tell(file string, saved *opened, now time.Time) *verification {
	p := saved.Plan
	out := &verification{
		File: file, Format: planfile.Version, ID: p.ID, ToolVersion: p.ToolVersion, CreatedAt: p.CreatedAt,
		Digest: saved.Digest, InputDigest: p.InputDigest, Lineage: p.Lineage, Encrypted: saved.Encrypted, Sealed: planfile.IsSealed(p),
		Trusted: len(saved.Verified) > 0 || saved.Bundle != nil, Bundle: saved.Bundle,
		Signatures: []verifiedKey{}, Clusters: []verifiedCluster{}, Applications: []verifiedApp{},
	}
	if !p.ExpiresAt.IsZero() {
		out.ExpiresAt, out.Expired = &p.ExpiresAt, !now.Before(p.ExpiresAt)
	}
	for _, id := range saved.KeyIDs {
		key := verifiedKey{Verified: signature.Verified{KeyID: id}}
		if i := slices.IndexFunc(saved.Verified, func(v signature.Verified) bool { return v.KeyID == id }); i >= 0 {
			key = verifiedKey{saved.Verified[i], true}
		}
		out.Signatures = append(out.Signatures, key)
	}
	for _, cluster := range p.Clusters {
		out.Clusters = append(out.Clusters, verifiedCluster{cluster.Name, cluster.UID, cluster.Server})
	}
	for i := range p.Applications {
		a := &p.Applications[i]
		out.Applications = append(out.Applications, verifiedApp{a.Address.String(), a.Cluster, a.Digest, a.HasChanges(), a.IsBlocked(), len(a.NeedsApproval()) > 0, a.Counts()})
	}
	return out
}

// text says it to people.
func (v *verification) text() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s %s\n", name, printable(fmt.Sprintf(format, args...)))
	}
	line("plan", "%s", v.ID)
	line("made", "%s by gantry %s", v.CreatedAt.UTC().Format(time.RFC3339), v.ToolVersion)
	switch {
	case v.ExpiresAt == nil:
		line("expires", "never")
	case v.Expired:
		line("expired", "%s", v.ExpiresAt.UTC().Format(time.RFC3339))
	default:
		line("expires", "%s", v.ExpiresAt.UTC().Format(time.RFC3339))
	}
	line("digest", "%s", v.Digest)
	line("input", "%s", v.InputDigest)
	line("state", "lineage %s", v.Lineage)
	if v.Encrypted {
		line("encrypted", "yes, and opened")
	}
	if v.Sealed {
		line("secrets", "sealed to the installation")
	}
	for _, key := range v.Signatures {
		switch {
		case key.Trusted && key.Name != "":
			line("signed", "by %s, key %s, as %s has it", key.Name, key.KeyID, key.File)
		case key.Trusted:
			line("signed", "by key %s, as %s has it", key.KeyID, key.File)
		default:
			line("signature", "of key %s, not verified", key.KeyID)
		}
	}
	if v.Bundle != nil {
		line("signed", "by %s, for whom %s vouches, at %s", v.Bundle.Identity, v.Bundle.Issuer, v.Bundle.SignedAt.UTC().Format(time.RFC3339))
	}
	for _, cluster := range v.Clusters {
		line("cluster", "%s at %s, uid %s", cluster.Name, cluster.Server, cluster.UID)
	}
	for _, a := range v.Applications {
		line("application", "%s on %s: %s", a.Address, a.Cluster, a.says())
		line("", "%s", a.Digest)
	}
	if v.Trusted {
		b.WriteString("\nThe file is whole, and signed as demanded.\n")
	} else {
		b.WriteString("\nThe file is whole. No signature was demanded, so nothing says who made it: --verify-key demands one.\n")
	}
	return b.String()
}

func (a *verifiedApp) says() string {
	switch {
	case a.Blocked:
		return "blocked"
	case !a.HasChanges:
		return "no changes"
	}
	var parts []string
	for _, action := range plan.Actions() {
		if n := a.Counts[action]; n > 0 && action != plan.Unchanged {
			parts = append(parts, fmt.Sprintf("%d to %s", n, action))
		}
	}
	if a.Approval {
		parts = append(parts, "needs approval")
	}
	return strings.Join(parts, ", ")
}
