package lang

import (
	"strings"
	"time"

	"github.com/gobwas/glob"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
)

func syncBlock() *schema.Block {
	return &schema.Block{
		Type: "sync",
		Doc:  "How it is kept in sync. Many of the arguments can be said of single objects too, by annotations.",
		Arguments: []schema.Argument{
			{Name: "create_namespace", Type: schema.Bool, Default: "false", Doc: "Whether the destination's namespace is created where it is not there."},
			{Name: "prune", Type: schema.String, Default: `"true"`, OneOf: []string{"true", "false", "confirm"}, Doc: "Whether objects that are no longer in the sources are deleted: always, never, or only those that someone confirms when they are."},
			{Name: "prune_last", Type: schema.Bool, Default: "true", Doc: "Whether they are deleted only when all of the sync is healthy, before hooks of `PostSync`. Where false, they are deleted in their waves, before what is written in them, as Argo CD does without `PruneLast`: what a renamed object leaves behind goes before its successor is there."},
			{Name: "prune_propagation_policy", Type: schema.String, Default: `"foreground"`, OneOf: []string{"foreground", "background", "orphan"}, Doc: "What becomes of what a deleted object owns: it is deleted first, deleted later, or left."},
			{Name: "allow_empty", Type: schema.Bool, Default: "false", Doc: "Whether the sources may come to no object at all, so that all that there is of it is deleted. Where false, such a plan is refused."},
			{Name: "force", Type: schema.Bool, Default: "false", Doc: "Whether an object may be deleted and made anew where fields change that cannot be changed."},
			{Name: "replace", Type: schema.Bool, Default: "false", Doc: "Whether an object that changes is replaced whole, as `kubectl replace` does: fields that the sources do not have go, whoever has set them, but for finalizers and owner references. The plan shows them."},
			{Name: "validate", Type: schema.Bool, Default: "true", Doc: "Whether a field that the server does not know is an error. Where false, it is left out."},
			{Name: "skip_dry_run_on_missing_resource", Type: schema.Bool, Default: "false", Doc: "Whether objects of kinds that the server does not have, and that nothing in the plan defines, are planned without asking it, for something else brings the kind meanwhile."},
			{Name: "fail_on_shared_resource", Type: schema.Bool, Default: "false", Doc: "Whether the application is refused where an object of it exists and another application, of Gantry or of another tool, says that it is its own."},
			{Name: "apply_out_of_sync_only", Type: schema.Bool, Default: "true", Doc: "Always so: a plan never sends objects that do not change. Kept for who comes from Argo CD."},
			{Name: "respect_ignore_differences", Type: schema.Bool, Default: "true", Doc: "Always so: fields of `ignore_differences` are left as they are, also when their object is changed for other reasons. Kept for who comes from Argo CD."},
			{Name: "server_side_apply", Type: schema.Bool, Default: "true", Doc: "Always so: objects are applied by the server. Kept for who comes from Argo CD."},
			{Name: "client_side_apply_migration", Type: schema.Bool, Default: "true", Doc: "Always so: what deployment tools own of an object comes to Gantry when it is adopted. Kept for who comes from Argo CD."},
			{Name: "conflicts", Type: schema.String, Default: `"fail"`, OneOf: []string{"fail", "take_over", "leave"}, Doc: "What to do about a field that someone else manages: refuse, take it over, or leave it to them."},
			{Name: "health_timeout", Type: schema.Duration, Default: "the command's", Doc: "How long it may take to become healthy."},
		},
		Blocks: []schema.Nested{
			{Max: 1, Block: &schema.Block{
				Type: "automated",
				Doc:  "Says that changes need no one's approval once they are on the protected branch.",
				Arguments: []schema.Argument{
					{Name: "enabled", Type: schema.Bool, Default: "true", Doc: "Whether this holds."},
					{Name: "prune", Type: schema.Bool, Default: "false", Doc: "Whether it holds for deletions."},
					{Name: "self_heal", Type: schema.Bool, Default: "false", Doc: "Whether it holds for correcting drift."},
					{Name: "allow_empty", Type: schema.Bool, Default: "false", Doc: "Whether it holds where nothing would be left; it is `allow_empty` of the `sync` block, as Argo CD has it."},
				},
			}},
			{Max: 1, Block: &schema.Block{
				Type: "retry",
				Doc:  "How often a sync that fails is tried again: what is left of it, and what was checked is checked again. What was refused, because something else has changed or is owned by others, is not tried again.",
				Arguments: []schema.Argument{
					{Name: "limit", Type: schema.Integer, Default: "5", Doc: "How many times."},
					{Name: "backoff", Type: schema.Duration, Default: `"5s"`, Doc: "How long to wait before the first time."},
					{Name: "factor", Type: schema.Integer, Default: "2", Doc: "By how much the wait grows each time."},
					{Name: "max_duration", Type: schema.Duration, Default: `"3m"`, Doc: "The longest wait; `\"0s\"` is any."},
				},
			}},
			{Max: 1, Block: &schema.Block{
				Type: "managed_namespace_metadata",
				Doc:  "What the namespace of `create_namespace` has on it, also where it is there already. Labels and annotations that others put on it stay.",
				Arguments: []schema.Argument{
					{Name: "labels", Type: schema.StringMap, Doc: "Its labels."},
					{Name: "annotations", Type: schema.StringMap, Doc: "Its annotations."},
				},
			}},
			{Block: &schema.Block{
				Type: "timeout",
				Doc:  "How long objects of certain kinds may take to become healthy, instead of `health_timeout`. Of several that match, the last one counts.",
				Arguments: []schema.Argument{
					{Name: "kinds", Type: schema.Strings, Required: true, Doc: "Patterns of the objects' kinds, with the group in front where it matters: `Job`, `batch/Job`, `*.example.com/*`."},
					{Name: "after", Type: schema.Duration, Required: true, Doc: "How long."},
				},
			}},
		},
	}
}

// decodeSync decodes the sync block, nil for none.
func decodeSync(in *eval.Instance, v *schema.Values) Sync {
	if v == nil {
		return Sync{}
	}
	sync := Sync{
		CreateNamespace: v.Bool("create_namespace", false), Prune: v.String("prune"), PruneInWaves: !v.Bool("prune_last", true),
		PrunePropagationPolicy: v.String("prune_propagation_policy"), AllowEmpty: v.Bool("allow_empty", false),
		Force: v.Bool("force", false), Replace: v.Bool("replace", false), NoValidation: !v.Bool("validate", true),
		SkipDryRunOnMissingResource: v.Bool("skip_dry_run_on_missing_resource", false),
		FailOnSharedResource:        v.Bool("fail_on_shared_resource", false),
		Conflicts:                   v.String("conflicts"), HealthTimeout: v.Duration("health_timeout", 0), Range: v.Range,
	}
	if automated := v.One("automated"); automated != nil {
		sync.Automated = &Automated{
			Enabled: automated.Bool("enabled", true), Prune: automated.Bool("prune", false),
			SelfHeal: automated.Bool("self_heal", false), AllowEmpty: automated.Bool("allow_empty", false),
		}
	}
	if retry := v.One("retry"); retry != nil {
		sync.Retry = &Retry{
			Limit: retry.Int("limit", 5), Backoff: retry.Duration("backoff", 5*time.Second),
			Factor: retry.Int("factor", 2), MaxDuration: retry.Duration("max_duration", 3*time.Minute),
		}
	}
	if metadata := v.One("managed_namespace_metadata"); metadata != nil {
		sync.NamespaceLabels, sync.NamespaceAnnotations = metadata.StringMap("labels"), metadata.StringMap("annotations")
	}
	for _, timeout := range v.Blocks("timeout") {
		sync.Timeouts = append(sync.Timeouts, decodeTimeout(in, timeout))
	}
	sayAlwaysSo(in, v)
	return sync
}

func decodeTimeout(in *eval.Instance, v *schema.Values) Timeout {
	timeout := Timeout{Kinds: v.Strings("kinds"), After: v.Duration("after", 0)}
	if v.Has("kinds") && len(timeout.Kinds) == 0 && v.IsKnown("kinds") {
		in.ErrorAt(v, "kinds", "Invalid timeout", "kinds is empty: name the kinds that the time is for, or \"*\" for all.")
	}
	for _, kind := range timeout.Kinds {
		if _, err := glob.Compile(kind); err != nil || kind == "" || strings.Count(kind, "/") > 1 {
			in.ErrorAt(v, "kinds", "Invalid timeout", "%q names no kind. Write a kind, with its group in front where it matters: \"Job\", \"batch/Job\", \"*.example.com/*\".", kind)
		}
	}
	return timeout
}

// sayAlwaysSo warns where the configuration says that something is not to be so which
// always is.
func sayAlwaysSo(in *eval.Instance, v *schema.Values) {
	for _, argument := range []struct{ name, detail string }{
		{"apply_out_of_sync_only", "A plan never sends objects that do not change."},
		{"respect_ignore_differences", "Fields of ignore_differences are left to others, whatever else of their object changes. To write them, take them out of ignore_differences."},
		{"server_side_apply", "Objects are applied by the server. To write an object whole instead, set replace."},
		{"client_side_apply_migration", "What deployment tools own of an object comes to gantry when it is adopted. Name a tool in field_managers of ignore_differences to leave its fields to it."},
	} {
		if v.Has(argument.name) && v.IsKnown(argument.name) && !v.Bool(argument.name, true) {
			in.Report(&hcl.Diagnostic{
				Severity: hcl.DiagWarning, Summary: "Argument without effect", Subject: v.RangeOf(argument.name).Ptr(),
				Detail: argument.name + " is false, and is passed over. " + argument.detail,
			})
		}
	}
}
