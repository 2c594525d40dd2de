package lang

import (
	"strings"

	"filippo.io/age"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/schema"
)

// Encryption says how state and plans are encrypted at rest: to recipients, or with
// a key.
type Encryption struct {
	Recipients []string          // of age
	Identity   govern.Credential // what opens what is encrypted to recipients; zero is the installation's
	Key        govern.Credential // zero where there are recipients
	Previous   []PreviousKey
	Range      hcl.Range
}

// PreviousKey opens what was encrypted before: with a key, or to recipients.
type PreviousKey struct{ Key, Identity govern.Credential }

func encryptionBlock() *schema.Block {
	return &schema.Block{
		Type: "encryption",
		Doc:  "Encrypts state and plans at rest: to recipients of age, or with a key.",
		Arguments: []schema.Argument{
			{Name: "recipients", Type: schema.Strings, Doc: "Who can read them: public keys of age, `age1…`."},
			{Name: "identity", Type: schema.Credential, Sensitive: true, Default: "the installation's identity", Doc: "What opens it here: secret keys of age, one of which is of one of the recipients."},
			{Name: "key", Type: schema.Credential, Sensitive: true, Doc: "A key for AES-256-GCM: a secret of 32 bytes, in base64."},
		},
		Blocks: []schema.Nested{{Block: &schema.Block{
			Type: "previous",
			Doc:  "A key that older state and plans are still encrypted with.",
			Arguments: []schema.Argument{
				{Name: "key", Type: schema.Credential, Sensitive: true, Doc: "The key; or else say identity."},
				{Name: "identity", Type: schema.Credential, Sensitive: true, Doc: "What opened what was encrypted to recipients: secret keys of age."},
			},
		}}},
	}
}

func decodeEncryption(in *eval.Instance, v *schema.Values) *Encryption {
	if v == nil {
		return nil
	}
	encryption := &Encryption{Recipients: v.Strings("recipients"), Key: credential(v, "key"), Identity: credential(v, "identity"), Range: v.Range}
	switch {
	case v.Has("recipients") && v.Has("key"):
		in.Errorf(v.RangeOf("key"), "Conflicting arguments", "State is encrypted in one way, but both recipients and key are set. Remove one of them.")
	case !v.Has("recipients") && !v.Has("key"):
		in.Errorf(v.Range, "Missing required argument", "It is not said how to encrypt. Set recipients or key.")
	case v.Has("identity") && !v.Has("recipients"):
		in.Errorf(v.RangeOf("identity"), "Conflicting arguments", "An identity opens what is encrypted to recipients, and there are none. Remove identity, or set recipients.")
	case v.IsKnown("recipients") && len(encryption.Recipients) == 0:
		in.ErrorAt(v, "recipients", "Unsuitable value", "The argument \"recipients\" is an empty list. Nobody could read the state.")
	}
	for _, recipient := range encryption.Recipients {
		if _, err := age.ParseRecipients(strings.NewReader(recipient)); err != nil {
			in.ErrorAt(v, "recipients", "Invalid recipient", "%q is no public key of age, which is like \"age1ql3z…\".", shorten(recipient))
		}
	}
	for _, b := range v.Blocks("previous") {
		if b.Has("key") == b.Has("identity") {
			in.Errorf(b.Range, "Missing required argument", "A previous key is either a key or an identity. Set one of them.")
		}
		encryption.Previous = append(encryption.Previous, PreviousKey{Key: credential(b, "key"), Identity: credential(b, "identity")})
	}
	return encryption
}

// credential is an argument for a credential: its value, or the secret that it is.
func credential(v *schema.Values, name string) govern.Credential {
	return govern.Credential{Value: credentialOf(v, name), Secret: secretOf(v, name)}
}

// shorten returns the beginning of a line: what was taken for a public key may be
// a private one.
func shorten(line string) string {
	const most = 20
	if runes := []rune(line); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return line
}
