package order

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
)

// The annotations that place an object in a sync. Those of gantry.dev win over
// Argo CD's of the same name, and both over Helm's.
const (
	ownPrefix  = "gantry.dev/"
	argoPrefix = "argocd.argoproj.io/"

	helmHook           = "helm.sh/hook"
	helmHookWeight     = "helm.sh/hook-weight"
	helmDeletePolicy   = "helm.sh/hook-delete-policy"
	helmResourcePolicy = "helm.sh/resource-policy"
)

// The delete policies of hooks.
const (
	BeforeHookCreation = "BeforeHookCreation" // the default: an old one is deleted before the hook runs again
	HookSucceeded      = "HookSucceeded"      // deleted when the whole sync has succeeded
	HookFailed         = "HookFailed"         // deleted when the sync has failed
)

// Placement is what an object's annotations say about its part in a sync.
type Placement struct {
	// Phases are the phases that the object is handled in, in order; a hook may
	// have several, everything else has PhaseSync alone. Empty where Ignored.
	Phases []plan.Phase
	Wave   int
	Hook   bool
	// Ignored objects are never applied: hook "Skip" alone, or hooks of kinds that
	// a sync does not have (Helm's test and rollback hooks).
	Ignored bool
	// DeletePolicies of a hook, at least one; nil for others.
	DeletePolicies []string
	// Options are the sync options, "Prune=false" as "Prune": "false".
	Options map[string]string
	// NoPrune: the object stays in the cluster when it is no longer rendered.
	// NoDelete: it stays when its application is destroyed.
	NoPrune, NoDelete bool
	// ConfirmPrune, ConfirmDelete: it goes, in these cases, only where someone confirms it.
	ConfirmPrune, ConfirmDelete bool
	// PruneLast: it is pruned after everything else is done.
	PruneLast bool
	// Warnings tell of annotations that say nothing that can be understood.
	Warnings []string
}

// Phase returns the first phase, PhaseSync where there is none.
func (p Placement) Phase() plan.Phase {
	if len(p.Phases) == 0 {
		return plan.PhaseSync
	}
	return p.Phases[0]
}

// Annotations reads an object's placement as Argo CD does: a wave that is no
// number counts as Helm's weight, else 0; an annotation of hooks without a known
// one makes the object a hook that never runs; Helm's hooks count where none of
// ours is known; delete policies of all are united.
func Annotations(o object.Object) Placement {
	annotations := o.Annotations()
	p := Placement{Options: options(annotations)}
	p.Wave = p.wave(annotations)
	p.hook(annotations)
	keep := slices.Contains(values(annotations[helmResourcePolicy]), "keep")
	p.NoPrune = keep || p.Options["Prune"] == "false"
	p.NoDelete = keep || p.Options["Delete"] == "false"
	p.ConfirmPrune, p.ConfirmDelete = p.Options["Prune"] == "confirm", p.Options["Delete"] == "confirm"
	p.PruneLast = p.Options["PruneLast"] == "true"
	return p
}

func (p *Placement) wave(annotations map[string]string) int {
	for _, key := range []string{ownPrefix + "sync-wave", argoPrefix + "sync-wave", helmHookWeight} {
		text, ok := annotations[key]
		if !ok {
			continue
		}
		wave, err := strconv.Atoi(text)
		if err == nil {
			return wave
		}
		p.Warnings = append(p.Warnings, fmt.Sprintf("annotation %s is %q; it must be a whole number and is ignored", key, text))
	}
	return 0
}

func (p *Placement) hook(annotations map[string]string) {
	var names []string
	skip := false
	for _, key := range []string{ownPrefix + "hook", argoPrefix + "hook"} {
		text, ok := annotations[key]
		if !ok {
			continue
		}
		p.Hook = true
		for _, name := range values(text) {
			switch {
			case name == "Skip":
				skip = true
			case slices.Contains(phases(), plan.Phase(name)):
				names = append(names, name)
			default:
				p.Warnings = append(p.Warnings, fmt.Sprintf("annotation %s has %q; expected PreSync, Sync, PostSync, SyncFail, PreDelete, PostDelete or Skip", key, name))
			}
		}
		if skip || len(names) > 0 {
			break
		}
	}
	if text, ok := annotations[helmHook]; ok && text != "crd-install" && !skip && len(names) == 0 {
		p.Hook = true
		for _, name := range values(text) {
			if phase := helmPhase(name); phase != "" {
				names = append(names, string(phase))
			}
		}
	}
	if !p.Hook {
		p.Phases = []plan.Phase{plan.PhaseSync}
		return
	}
	for _, phase := range phases() {
		if slices.Contains(names, string(phase)) {
			p.Phases = append(p.Phases, phase)
		}
	}
	p.Ignored = len(p.Phases) == 0
	p.Hook = !p.Ignored || !skip
	p.DeletePolicies = p.policies(annotations)
}

// helmPhase maps Helm's hooks as Argo CD does; empty for those without a place in
// a sync (tests, rollbacks).
func helmPhase(hook string) plan.Phase {
	switch hook {
	case "pre-install", "pre-upgrade":
		return plan.PhasePreSync
	case "post-install", "post-upgrade":
		return plan.PhasePostSync
	case "pre-delete":
		return plan.PhasePreDelete
	case "post-delete":
		return plan.PhasePostDelete
	}
	return ""
}

func (p *Placement) policies(annotations map[string]string) []string {
	var out []string
	add := func(policy string) {
		if !slices.Contains(out, policy) {
			out = append(out, policy)
		}
	}
	for _, key := range []string{ownPrefix + "hook-delete-policy", argoPrefix + "hook-delete-policy"} {
		for _, policy := range values(annotations[key]) {
			switch policy {
			case BeforeHookCreation, HookSucceeded, HookFailed:
				add(policy)
			default:
				p.Warnings = append(p.Warnings, fmt.Sprintf("annotation %s has %q; expected %s, %s or %s", key, policy, BeforeHookCreation, HookSucceeded, HookFailed))
			}
		}
	}
	for _, policy := range values(annotations[helmDeletePolicy]) {
		switch policy {
		case "before-hook-creation":
			add(BeforeHookCreation)
		case "hook-succeeded":
			add(HookSucceeded)
		case "hook-failed":
			add(HookFailed)
		}
	}
	if len(out) == 0 {
		return []string{BeforeHookCreation}
	}
	return out
}

// options reads sync-options; ours win over Argo CD's key by key.
func options(annotations map[string]string) map[string]string {
	out := map[string]string{}
	for _, prefix := range []string{argoPrefix, ownPrefix} {
		for _, option := range values(annotations[prefix+"sync-options"]) {
			key, value, _ := strings.Cut(option, "=")
			out[key] = value
		}
	}
	return out
}

// values splits a list of values: separated by commas, trimmed, empty ones and
// repetitions left out.
func values(text string) []string {
	var out []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" && !slices.Contains(out, item) {
			out = append(out, item)
		}
	}
	return out
}
