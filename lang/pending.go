package lang

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// pendingUse is a block whose effect does not exist yet.
type pendingUse struct {
	name string
	at   hcl.Range
}

// pendingKind is a kind of blocks whose effect does not exist yet. When it does, its
// entry goes.
type pendingKind struct {
	effect string // what is not done, in a sentence
	uses   []pendingUse
}

// warnOfPending says what of the configuration has no effect in this version, one
// warning for each kind of block: nothing that guards, orders or tells is passed over
// in silence.
func (f *finisher) warnOfPending() {
	for _, kind := range f.pendingTop() {
		if len(kind.uses) == 0 {
			continue
		}
		names := make([]string, len(kind.uses))
		for i, use := range kind.uses {
			names[i] = use.name
		}
		f.diags = append(f.diags, &hcl.Diagnostic{
			Severity: hcl.DiagWarning,
			Summary:  "Not in effect yet",
			Detail:   fmt.Sprintf("This version of gantry reads and checks %s, and no more. %s", few(names), kind.effect),
			Subject:  kind.uses[0].at.Ptr(),
		})
	}
}

func (f *finisher) pendingTop() []pendingKind {
	c := f.config
	protection := pendingKind{effect: "Branches, approvals, planners and signers are not checked: whoever runs it may apply."}
	if p := c.Settings.Protection; p != nil && p.BeyondBudget() {
		protection.add("the protection block", p.Range)
	}
	return []pendingKind{protection}
}

// add notes a block, and several of one name once.
func (k *pendingKind) add(name string, at hcl.Range) {
	for _, use := range k.uses {
		if use.name == name {
			return
		}
	}
	k.uses = append(k.uses, pendingUse{name: name, at: at})
}

// maxNamed is how many blocks a warning names.
const maxNamed = 5

// few joins names for a sentence, and counts those that are too many.
func few(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	if len(names) > maxNamed {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxNamed], ", "), len(names)-maxNamed)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
