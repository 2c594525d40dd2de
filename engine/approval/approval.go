// Package approval decides whether what would be done to an application is what was
// approved: of a protection, what planners recorded, what the forge and git say of the pull
// requests, and the roles. It is pure: no I/O, no clock, no forge.
//
// Nothing that a pull request's own jobs write proves anything here. A digest counts where a
// planner that the protection names has recorded it, for exactly the commit that was reviewed
// and merged. The rules are those in force before the change; what gathers all of this is
// engine/evidence, which imports it, as do engine and cmd.
package approval

import (
	"time"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/identity"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// Requirement is what is asked for, by the rules in force.
type Requirement struct {
	Branch     string // that is applied from
	Protection state.Protection
	Rules      string // the digest of the rules in force
	Roles      []plan.Role
	// Trust says whose identities may have recorded.
	Trust *identity.Trust
	// Policies are the approvals that policies may ask for.
	Policies []plan.PolicyNeed
	Now      time.Time
}

// Of is a protection as rules in force have it; nil where it asks for nothing but that not
// too much is deleted.
func Of(p *govern.Protection) *state.Protection {
	if p == nil || !p.BeyondBudget() {
		return nil
	}
	out := &state.Protection{Branches: p.Branches, Planners: p.Planners, Signers: p.Signers}
	if a := p.Approvals; a != nil {
		out.Approvals = &state.ApprovalsNeeded{Count: a.Count, Groups: a.Groups, NotAuthor: a.NotAuthor}
	}
	return out
}

// Speaker is who stands behind something that was signed.
type Speaker struct {
	KeyID string // of a key: "SHA256:…", "ed25519:…"
	// Identity and Issuer are of a certificate; empty for a key.
	Identity, Issuer string
}

// Candidate is what was recorded, with what git and the forge know of it.
type Candidate struct {
	*state.Recorded
	// SignedBy are who signed the record, rightly.
	SignedBy []Speaker
	// OnBranch: git has Head in the history of what is applied. Of a merge queue it must be.
	OnBranch bool
	// Changes are the pull requests that it is of: one, or those of a merge queue.
	Changes []Change
	// Unowned are commits of a merge queue that belong to no pull request.
	Unowned []string
}

// Change is a pull request, as the forge has it now.
type Change struct {
	Pull    providers.PullRequest
	Missing bool // the forge has none of that number
	// Here: git has what it was merged as in the history of what is applied.
	Here    bool
	Reviews []providers.Review
	// Members are who is in a group, of those who said something: by group and by login in
	// lower case. A group that is not known to the forge is not there.
	Members map[string]map[string]bool
}

// Application is what would be done to one application.
type Application struct {
	Address addr.Address
	Digest  string
	// Names are by what roles know it: project and name.
	Names [][2]string
}

// Reason is why something is not applied.
type Reason string

// The reasons, by how far it came.
const (
	OK          Reason = ""
	NotRecorded Reason = "not recorded"       // nobody has recorded a plan of it
	Another     Reason = "another change"     // something else was recorded
	Planner     Reason = "not a planner"      // who recorded it is none that counts
	Unsigned    Reason = "not signed"         // no signer stands behind the record
	Expired     Reason = "expired"            // it was recorded too long ago
	Used        Reason = "used"               // it was applied
	NoPull      Reason = "no pull request"    // the forge does not have the pull request
	NotMerged   Reason = "not merged"         // the pull request is not merged
	OtherBranch Reason = "another branch"     // it was merged into another branch
	Moved       Reason = "pushed since"       // another commit than the planned one was merged
	NotHere     Reason = "not in this commit" // the merge is not in what is applied
	Direct      Reason = "without review"     // a commit came past pull requests
	NotNamed    Reason = "policy not named"   // what was recorded does not name the policy
	NoRules     Reason = "no protection"      // nothing says where approvals come from
	NotApproved Reason = "not approved"       // too few have approved it
	Opposed     Reason = "changes requested"  // someone who counts asks for changes
)

// rank orders reasons by how far a candidate came.
func (r Reason) rank() int {
	for i, one := range []Reason{NotRecorded, Another, Planner, Unsigned, Expired, Used, NoPull, NotMerged, OtherBranch, Moved, NotHere, Direct, NoRules, NotNamed, NotApproved, Opposed, OK} {
		if r == one {
			return i
		}
	}
	return -1
}

// Decision is whether an application may be applied.
type Decision struct {
	Address addr.Address `json:"address"`
	Digest  string       `json:"digest"`
	Reason  Reason       `json:"reason,omitempty"` // empty: it may be
	// Detail says why not, in a sentence without a full stop.
	Detail string `json:"detail,omitempty"`
	// Record is what decided: for one that may be applied what was approved, else what came
	// closest. Nil where nothing was recorded.
	Record *state.Recorded `json:"-"`
	// Approvers are who approved it, sorted.
	Approvers []string `json:"approvers,omitempty"`
	// Policies say of each of the requirement's policies whether what it asks for is there,
	// in their order.
	Policies []PolicyDecision `json:"policies,omitempty"`
}

// Allowed reports whether the application may be applied.
func (d *Decision) Allowed() bool { return d.Reason == OK }
