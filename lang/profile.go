package lang

import (
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// profile is what a profile block is decoded to: the part of an application that
// it gives.
type profile struct {
	values *schema.Values
}

func profileKind() *eval.Kind {
	shared := schema.Optional(applicationBlock(), "for_each", "depends_on", "name", "profiles")
	return &eval.Kind{
		Block: &schema.Block{
			Type:   "profile",
			Labels: []string{"name"},
			Doc: "Arguments of applications to share: an application names profiles in `profiles = [profile.a, profile.b]`, and has what they say where it says nothing itself. Of several profiles, later ones win, and the application wins over all. " +
				"An argument replaces the one of an earlier profile, whole: `labels` are not joined, but `merge(profile.a.labels, { more = \"x\" })` is. Blocks are merged: of a block that there may be once, such as `sync`, argument by argument and block by block; to those that there may be several of, such as `source`, `ignore_differences` and `accept_risk`, others are added, those of profiles first. " +
				"Elsewhere it is `profile.NAME`, with the attributes `labels` and `info`.",
			Example: `profile "service" {
  sync {
    automated {
      prune     = true
      self_heal = true
    }
    create_namespace = true
  }
  ignore_differences {
    group         = "apps"
    kind          = "Deployment"
    json_pointers = ["/spec/replicas"]
  }
  revision_history_limit = 5
}

application "web" {
  profiles = [profile.service]

  source {
    path = "web"
  }
  destination {
    cluster   = cluster.production
    namespace = "web"
  }
}`,
			Arguments: append([]schema.Argument{forEachArgument(), dependsOnArgument()}, shared.Arguments...),
			Blocks:    shared.Blocks,
		},
		Root:    "profile",
		Grouped: true,
		Decode:  decodeProfile,
	}
}

// decodeProfile checks what a profile says, so that it is told once and not for
// every application that has it.
func decodeProfile(_ *eval.Evaluation, in *eval.Instance) eval.Decoded {
	decodeSync(in, in.Values.One("sync"))
	decodeIgnoreDifferences(in)
	decodeRedactions(in)
	decodeDecryption(in)
	decodeAcceptedRisks(in, 0)
	for _, b := range in.Values.Blocks("notify") {
		govern.DecodeNotify(in, b)
	}
	for _, source := range in.Values.Blocks("source") {
		decodeSource(in, source)
	}
	return eval.Decoded{Value: value.Block(
		value.Reference{Address: in.Address, Target: &profile{in.Values}},
		map[string]cty.Value{"labels": labelsOf(in.Values, "labels"), "info": labelsOf(in.Values, "info")},
	)}
}

// withProfiles gives an application what its profiles say and it does not.
func withProfiles(in *eval.Instance) {
	var below []*schema.Values
	for _, ref := range in.Values.References("profiles") {
		below = append(below, ref.Target.(*profile).values)
	}
	whole := !in.Values.Has("profiles") || in.Values.IsKnown("profiles")
	in.Values = schema.Merge(in.Values, below...)
	if whole {
		in.Report(in.Values.Complete()...)
	}
}
