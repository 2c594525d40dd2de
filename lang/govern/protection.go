package govern

import (
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
)

// Protection is what must be so before anything is applied. It counts as it is on
// the protected branch.
type Protection struct {
	Branches     []string // globs
	Approvals    *Approvals
	MaxDestroyed *int     // objects that one plan may delete; nil: any number
	Planners     []string // identities whose record of a plan counts
	Signers      []string // identities and keys whose signature under a plan counts
	Range        hcl.Range
}

// BeyondBudget reports whether it asks for more than that not too much is deleted.
func (p *Protection) BeyondBudget() bool {
	return p.Branches != nil || p.Approvals != nil || p.Planners != nil || p.Signers != nil
}

// Approvals says who must have approved a change.
type Approvals struct {
	Count     int
	Groups    []string // whose members count; nil: everyone with a right to approve
	NotAuthor bool     // the author of a change does not count
	Range     hcl.Range
}

// ProtectionBlock declares the protection block.
func ProtectionBlock() *schema.Block {
	return &schema.Block{
		Type: "protection",
		Doc:  "What must be so before a change is applied. It is read from the protected branch, never from a pull request.",
		Arguments: []schema.Argument{
			{Name: "branches", Type: schema.Strings, Doc: "Patterns of the branches that are applied from."},
			{Name: "max_destroyed", Type: schema.Integer, Default: "any number", Doc: "How many objects one plan may delete or replace, with what goes with them."},
			{Name: "planners", Type: schema.Strings, Doc: "The identities that a plan must have been recorded by, so that its approval counts: of a workflow, a job or a service. `\"SUBJECT\"` or `\"ISSUER SUBJECT\"`; `*` stands for anything in the subject."},
			{Name: "signers", Type: schema.Strings, Doc: "The identities or public keys that a plan, or what was recorded of it, must be signed with."},
		},
		Blocks: []schema.Nested{{Max: 1, Block: approvalsBlock("Who must have approved a change.", "everyone who may approve", "false")}},
	}
}

// approvalsBlock declares who must approve: groups and author are what holds where nothing is
// said of them.
func approvalsBlock(doc, groups, author string) *schema.Block {
	return &schema.Block{
		Type: "approvals",
		Doc:  doc,
		Arguments: []schema.Argument{
			{Name: "count", Type: schema.Integer, Default: "1", Doc: "How many must have."},
			{Name: "groups", Type: schema.Strings, Default: groups, Doc: "The groups of the forge whose members count: `\"team\"` or `\"organization:team\"`. Members of one with `!` before it do not."},
			{Name: "not_author", Type: schema.Bool, Default: author, Doc: "Whether the author of a change does not count."},
		},
	}
}

// decodeApprovals decodes an approvals block; nil is none.
func decodeApprovals(in *eval.Instance, b *schema.Values) *Approvals {
	if b == nil {
		return nil
	}
	out := &Approvals{Count: b.Int("count", 1), Groups: b.Strings("groups"), NotAuthor: b.Bool("not_author", false), Range: b.Range}
	checkNotEmpty(in, b, "groups", "Nobody could approve.")
	if b.IsKnown("count") && out.Count == 0 {
		in.ErrorAt(b, "count", "Unsuitable value", "No approvals are needed, so that the block has no effect. Set how many are, or remove it.")
	}
	return out
}

// DecodeProtection decodes a protection block; nil is none.
func DecodeProtection(in *eval.Instance, v *schema.Values) *Protection {
	if v == nil {
		return nil
	}
	protection := &Protection{Branches: v.Strings("branches"), Planners: v.Strings("planners"), Signers: v.Strings("signers"), Range: v.Range}
	CheckPatterns(in, v, "branches", false)
	checkNotEmpty(in, v, "branches", "Nothing could be applied.")
	checkNotEmpty(in, v, "planners", "No plan would count.")
	checkNotEmpty(in, v, "signers", "No plan would count.")
	if v.IsKnown("max_destroyed") {
		most := v.Int("max_destroyed", 0)
		protection.MaxDestroyed = &most
	}
	protection.Approvals = decodeApprovals(in, v.One("approvals"))
	if !v.Has("branches") && !v.Has("max_destroyed") && !v.Has("planners") && !v.Has("signers") && protection.Approvals == nil {
		in.Errorf(v.Range, "Missing required argument", "The protection says nothing. Set branches or max_destroyed, or add an approvals block.")
	}
	return protection
}
