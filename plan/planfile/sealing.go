package planfile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	kjson "sigs.k8s.io/json"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/redact"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/target"
)

var (
	// ErrSealed means that something is sealed and there is no identity to open it.
	ErrSealed = errors.New("the plan holds sealed secrets, and there is no identity to open them with")
	// ErrNoRecipient means that there are secrets and nobody to seal them to.
	ErrNoRecipient = errors.New("the plan holds secrets, and the installation has no recipient to seal them to; run gantry init")
)

// IsSealed reports whether a plan holds something sealed that is not open too.
func IsSealed(p *plan.Plan) bool {
	return slices.ContainsFunc(p.Clusters, func(c plan.Cluster) bool { return c.Sealed != nil && c.Credentials.IsZero() }) ||
		slices.ContainsFunc(p.Applications, func(a plan.Application) bool { return slices.ContainsFunc(a.Changes, isSealed) })
}

func isSealed(c plan.Change) bool { return c.Sealed != nil && c.Secret == nil }

// Unseal returns a plan with what is sealed in it open too: the credentials of
// clusters, the real bodies of Secrets. It is ErrSealed without an identity, where
// there is something to open. The plan given is not changed.
func Unseal(p *plan.Plan, identity *seal.Identity) (*plan.Plan, error) {
	if !IsSealed(p) && (identity == nil || !hasSealedNotifiers(p)) {
		return p, nil
	}
	if identity == nil {
		return nil, ErrSealed
	}
	out := *p
	if err := unsealNotifiers(&out, identity); err != nil {
		return nil, err
	}
	out.Clusters = slices.Clone(p.Clusters)
	for i := range out.Clusters {
		cluster := &out.Clusters[i]
		if cluster.Sealed == nil || !cluster.Credentials.IsZero() {
			continue
		}
		text, err := identity.Open(credentialsPlace(p.ID, cluster), cluster.Sealed)
		if err == nil {
			err = decodeCredentials(text, &cluster.Credentials)
		}
		if err != nil {
			return nil, fmt.Errorf("credentials of cluster %s: %w", cluster.Name, err)
		}
	}
	out.Applications = slices.Clone(p.Applications)
	for i := range out.Applications {
		application, err := unsealApplication(p.ID, &out.Applications[i], identity)
		if err != nil {
			return nil, err
		}
		out.Applications[i] = *application
	}
	return &out, nil
}

// UnsealApplication is Unseal for what SealApplication returned.
func UnsealApplication(a *plan.Application, identity *seal.Identity) (*plan.Application, error) {
	return unsealApplication("", a, identity)
}

func unsealApplication(id string, a *plan.Application, identity *seal.Identity) (*plan.Application, error) {
	if !slices.ContainsFunc(a.Changes, isSealed) {
		return a, nil
	}
	if identity == nil {
		return nil, ErrSealed
	}
	out := *a
	out.Changes = slices.Clone(a.Changes)
	for i := range out.Changes {
		change := &out.Changes[i]
		if !isSealed(*change) {
			continue
		}
		if err := openChange(id, a.Address, change, identity); err != nil {
			return nil, fmt.Errorf("secret body of %s in %s: %w", change.ID, a.Address, err)
		}
	}
	return &out, nil
}

func openChange(id string, application addr.Address, change *plan.Change, identity *seal.Identity) error {
	place, err := changePlace(id, application, change)
	if err != nil {
		return err
	}
	text, err := identity.Open(place, change.Sealed)
	if err != nil {
		return err
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(text, &change.Secret); err != nil {
		return errors.New("what is sealed is not an object") // the error could quote it
	}
	if change.Secret.ID() != change.ID {
		return fmt.Errorf("what is sealed is another object, %s", change.Secret.ID())
	}
	return nil
}

// SealApplication returns an application as it may be written: with the real
// bodies of Secrets sealed to a recipient, or left out where that is nil. The
// application given is not changed.
func SealApplication(a *plan.Application, recipient *seal.Recipient) (*plan.Application, error) {
	return sealApplication("", a, recipient)
}

func sealApplication(id string, a *plan.Application, recipient *seal.Recipient) (*plan.Application, error) {
	out := *a
	out.Changes = slices.Clone(a.Changes)
	for i := range out.Changes {
		change := &out.Changes[i]
		if err := checkRedacted(change); err != nil {
			return nil, fmt.Errorf("%s in %s: %w. This is a bug in gantry", change.ID, a.Address, err)
		}
		if change.Secret == nil || recipient == nil {
			change.Secret = nil
			continue
		}
		place, err := changePlace(id, a.Address, change)
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(change.Secret)
		if err != nil {
			return nil, fmt.Errorf("%s in %s: the body cannot be encoded", change.ID, a.Address)
		}
		if change.Sealed, err = seal.Seal(recipient, place, text); err != nil {
			return nil, err
		}
		change.Secret = nil
	}
	return &out, nil
}

// sealPlan returns a plan as it is written.
func sealPlan(p *plan.Plan, recipient *seal.Recipient) (*plan.Plan, error) {
	out := *p
	if err := sealNotifiers(&out, recipient); err != nil {
		return nil, err
	}
	out.Clusters = slices.Clone(p.Clusters)
	for i := range out.Clusters {
		cluster := &out.Clusters[i]
		if cluster.Credentials.IsZero() {
			continue
		}
		if recipient == nil {
			return nil, ErrNoRecipient
		}
		text, err := encodeCredentials(cluster.Credentials)
		if err != nil {
			return nil, err
		}
		if cluster.Sealed, err = seal.Seal(recipient, credentialsPlace(p.ID, cluster), text); err != nil {
			return nil, err
		}
		cluster.Credentials = target.Credentials{}
	}
	out.Applications = slices.Clone(p.Applications)
	for i := range out.Applications {
		secret := func(c plan.Change) bool { return c.Secret != nil }
		if recipient == nil && slices.ContainsFunc(out.Applications[i].Changes, secret) {
			return nil, ErrNoRecipient
		}
		application, err := sealApplication(p.ID, &out.Applications[i], recipient)
		if err != nil {
			return nil, err
		}
		out.Applications[i] = *application
	}
	return &out, nil
}

// checkRedacted holds what is about to be written in clear to its promise.
func checkRedacted(change *plan.Change) error {
	if _, shown := redact.Hide(change.Body, redact.Of(change)...); shown {
		return errors.New("the values of a Secret are not redacted")
	}
	for _, field := range change.Fields {
		if _, shown := redact.HideField(change.GVK(), field, redact.Of(change)...); shown {
			return fmt.Errorf("the values of %s are not redacted", field.Path)
		}
	}
	for _, conflict := range change.Conflicts {
		field := plan.FieldChange{Path: conflict.Path, Before: conflict.Before, After: conflict.After, Sensitive: conflict.Sensitive}
		if _, shown := redact.HideField(change.GVK(), field, redact.Of(change)...); shown {
			return fmt.Errorf("the values in conflict of %s are not redacted", conflict.Path)
		}
	}
	return nil
}

// changePlace is where a sealed body belongs: to an object of an application in a
// plan, and to what the plan shows of it. So the body of another plan cannot be put
// behind the fingerprints of this one. In the history the plan is none.
func changePlace(id string, application addr.Address, change *plan.Change) (string, error) {
	text, err := json.Marshal(change.Body)
	if err != nil {
		return "", fmt.Errorf("%s: the body cannot be encoded: %w", change.ID, err)
	}
	// Written twice, since what was read back must come to the same text.
	var body object.Object
	if err := kjson.UnmarshalCaseSensitivePreserveInts(text, &body); err != nil {
		return "", fmt.Errorf("%s: the body cannot be encoded: %w", change.ID, err)
	}
	if text, err = json.Marshal(body); err != nil {
		return "", fmt.Errorf("%s: the body cannot be encoded: %w", change.ID, err)
	}
	sum := sha256.Sum256(text)
	return strings.Join([]string{"change", id, application.String(), change.ID.String(), hex.EncodeToString(sum[:])}, "\x00"), nil
}

func credentialsPlace(id string, c *plan.Cluster) string {
	return strings.Join([]string{"credentials", id, c.Name, c.UID, c.Connection.Server}, "\x00")
}
