package lang

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/source"
)

// Verify says who must have signed what is read of a git repository.
type Verify struct {
	SSHKeys []string // as in an authorized_keys or allowed_signers file
	GPGKeys []string // public keys in their text form
	Range   hcl.Range
}

func verifyBlock() *schema.Block {
	return &schema.Block{
		Type:      "verify",
		Doc:       "Says that the commit or tag that is read must be signed, with one of these keys. Only git has such signatures.",
		Arguments: govern.KeyArguments(),
	}
}

func decodeVerify(in *eval.Instance, v *schema.Values, of *Repository) *Verify {
	if v == nil {
		return nil
	}
	if !of.guessed && of.Location.Type != source.Git && in.Values.IsKnown("type") {
		in.Errorf(v.Range, "Unsuitable block", "Only commits and tags of git can be verified, and this repository is of type %q: nothing could be read of it.", of.Location.Type)
	}
	verify := &Verify{Range: v.Range}
	verify.SSHKeys, verify.GPGKeys = govern.DecodeKeys(in, v)
	return verify
}
