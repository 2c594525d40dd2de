// Package signature says who stands behind bytes: it signs what a DSSE envelope
// holds and verifies that, with Ed25519 keys and with SSH keys.
//
// An Ed25519 key (PEM, PKCS #8) signs the envelope's pre-authentication encoding as
// it is. An SSH key signs it in OpenSSH's own format (PROTOCOL.sshsig) with the
// namespace "gantry-plan", so that ssh-keygen can verify it too, and who may sign can
// be an allowed_signers file. The package reads keys from files, decides nothing
// about plans, and is imported by plan/planfile and cmd; bundles of sigstore are
// plan/signature/sigstore's.
package signature

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// Namespace is what SSH signatures of plans are made for.
const Namespace = "gantry-plan"

var (
	// ErrUnsigned means that there is no signature where one is demanded.
	ErrUnsigned = errors.New("it is not signed")
	// ErrUntrusted means that no signature is of a key that is trusted.
	ErrUntrusted = errors.New("no signature is of a key that is trusted here")
	// ErrWrong means that a signature which claims to be of a trusted key is not.
	ErrWrong = errors.New("a signature is wrong: it is not of this content")
)

// Verified is a signature that was found to be right.
type Verified struct {
	KeyID string `json:"keyId"` // "ed25519:<hex>", or OpenSSH's fingerprint "SHA256:…"
	// Name is who signs with the key, as the one who trusts it says: a principal of
	// allowed_signers, or the comment of a public key. It may be empty.
	Name string `json:"name,omitempty"`
	// File is where the trusted key was read from.
	File string `json:"file"`
}

// Sign adds the signers' signatures to an envelope, over its payload.
func Sign(envelope *dsse.Envelope, payload []byte, signers []*Signer) error {
	encoded := dsse.PAE(envelope.PayloadType, payload)
	for _, signer := range signers {
		sig, err := signer.sign(encoded)
		if err != nil {
			return fmt.Errorf("signing with key %s: %w", signer.id, err)
		}
		envelope.Signatures = append(envelope.Signatures, dsse.Signature{KeyID: signer.id, Sig: base64.StdEncoding.EncodeToString(sig)})
	}
	return nil
}

// Verify returns the signatures of an envelope that are of trusted keys. Signatures of
// other keys count for nothing. Errors are ErrUnsigned, ErrUntrusted and ErrWrong;
// one wrong signature of a trusted key is enough for the last.
func (k *Keys) Verify(envelope *dsse.Envelope, payload []byte, now time.Time) ([]Verified, error) {
	if len(envelope.Signatures) == 0 {
		return nil, ErrUnsigned
	}
	encoded := dsse.PAE(envelope.PayloadType, payload)
	var out []Verified
	var ids, problems []string
	for _, s := range envelope.Signatures {
		ids = append(ids, s.KeyID)
		sig, err := base64.StdEncoding.DecodeString(s.Sig)
		if err != nil {
			return nil, fmt.Errorf("%w (%s is no base64)", ErrWrong, s.KeyID)
		}
		for _, key := range k.trusted {
			if key.id != s.KeyID {
				continue
			}
			if err := key.verify(encoded, sig); err != nil {
				return nil, fmt.Errorf("%w (key %s: %w)", ErrWrong, s.KeyID, err)
			}
			if why := key.refuses(now); why != "" {
				problems = append(problems, fmt.Sprintf("key %s %s", s.KeyID, why))
				continue
			}
			found := Verified{KeyID: key.id, Name: key.name, File: key.file}
			if !slices.Contains(out, found) {
				out = append(out, found)
			}
		}
	}
	if len(out) == 0 {
		if len(problems) == 0 {
			problems = append(problems, "signed by "+strings.Join(ids, ", ")+"; trusted: "+k.String())
		}
		return nil, fmt.Errorf("%w: %s", ErrUntrusted, strings.Join(problems, "; "))
	}
	return out, nil
}

// ed25519ID names an Ed25519 key.
func ed25519ID(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return "ed25519:" + hex.EncodeToString(sum[:])
}
