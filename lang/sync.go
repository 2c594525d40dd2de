package lang

import (
	"slices"
	"strings"
	"time"

	"github.com/itchyny/gojq"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
)

func syncBlock() *schema.Block {
	return &schema.Block{
		Type: "sync",
		Doc:  "How it is kept in sync.",
		Arguments: []schema.Argument{
			{Name: "create_namespace", Type: schema.Bool, Default: "false", Doc: "Whether the destination's namespace is created where it is not there."},
			{Name: "prune", Type: schema.Bool, Default: "true", Doc: "Whether objects that are no longer in the sources are deleted."},
			{Name: "prune_last", Type: schema.Bool, Default: "false", Doc: "Whether they are deleted only after everything else is healthy."},
			{Name: "prune_propagation_policy", Type: schema.String, Default: `"foreground"`, OneOf: []string{"foreground", "background", "orphan"}, Doc: "What becomes of what a deleted object owns: it is deleted first, deleted later, or left."},
			{Name: "replace", Type: schema.Bool, Default: "false", Doc: "Whether an object may be deleted and made anew where fields change that cannot be changed."},
			{Name: "apply_out_of_sync_only", Type: schema.Bool, Default: "false", Doc: "Whether only objects that differ are sent. Kept for who comes from Argo CD: a plan never sends others."},
			{Name: "respect_ignore_differences", Type: schema.Bool, Default: "false", Doc: "Whether fields of `ignore_differences` are left as they are when their object is changed for other reasons."},
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
					{Name: "allow_empty", Type: schema.Bool, Default: "false", Doc: "Whether it holds where nothing would be left."},
				},
			}},
			{Max: 1, Block: &schema.Block{
				Type: "retry",
				Doc:  "How often a sync that fails is tried again.",
				Arguments: []schema.Argument{
					{Name: "limit", Type: schema.Integer, Default: "5", Doc: "How many times."},
					{Name: "backoff", Type: schema.Duration, Default: `"5s"`, Doc: "How long to wait before the first time."},
					{Name: "factor", Type: schema.Integer, Default: "2", Doc: "By how much the wait grows each time."},
					{Name: "max_duration", Type: schema.Duration, Default: `"3m"`, Doc: "The longest wait."},
				},
			}},
			{Max: 1, Block: &schema.Block{
				Type: "managed_namespace_metadata",
				Doc:  "What the namespace that `create_namespace` makes has on it.",
				Arguments: []schema.Argument{
					{Name: "labels", Type: schema.StringMap, Doc: "Its labels."},
					{Name: "annotations", Type: schema.StringMap, Doc: "Its annotations."},
				},
			}},
		},
	}
}

func decodeSync(v *schema.Values) Sync {
	if v == nil {
		return Sync{}
	}
	sync := Sync{
		CreateNamespace: v.Bool("create_namespace", false), PruneLast: v.Bool("prune_last", false),
		PrunePropagationPolicy: v.String("prune_propagation_policy"), Replace: v.Bool("replace", false),
		ApplyOutOfSyncOnly: v.Bool("apply_out_of_sync_only", false), RespectIgnoreDifference: v.Bool("respect_ignore_differences", false),
		Conflicts: v.String("conflicts"), HealthTimeout: v.Duration("health_timeout", 0), Range: v.Range,
	}
	if v.Has("prune") {
		prune := v.Bool("prune", true)
		sync.Prune = &prune
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
	return sync
}

func ignoreDifferencesBlock() *schema.Block {
	return &schema.Block{
		Type: "ignore_differences",
		Doc:  "Fields of certain objects that are left to others, and so are no difference.",
		Arguments: []schema.Argument{
			{Name: "group", Type: schema.String, Default: "the core group", Doc: "A pattern of the objects' API group: `apps`, `*`."},
			{Name: "kind", Type: schema.String, Required: true, Doc: "A pattern of the objects' kind: `Deployment`, `*`."},
			{Name: "name", Type: schema.String, Default: "any", Doc: "The object's name."},
			{Name: "namespace", Type: schema.String, Default: "any", Doc: "The object's namespace."},
			{Name: "json_pointers", Type: schema.Strings, Doc: "Fields by JSON pointer (RFC 6901): `/spec/replicas`."},
			{Name: "jq_path_expressions", Type: schema.Strings, Doc: "Fields by jq path expression: `.spec.template.spec.containers[] | select(.name == \"proxy\")`."},
			{Name: "field_managers", Type: schema.Strings, Doc: "All fields that these field managers own."},
		},
	}
}

// maxQuery bounds the length of a jq expression.
const maxQuery = 4096

func decodeIgnoreDifferences(in *eval.Instance) []IgnoreDifference {
	var out []IgnoreDifference
	for _, v := range in.Values.Blocks("ignore_differences") {
		ignore := IgnoreDifference{
			Group: v.String("group"), Kind: v.String("kind"), Name: v.String("name"), Namespace: v.String("namespace"),
			JSONPointers: v.Strings("json_pointers"), JQPathExpressions: v.Strings("jq_path_expressions"),
			FieldManagers: v.Strings("field_managers"), Range: v.Range,
		}
		if !v.Has("json_pointers") && !v.Has("jq_path_expressions") && !v.Has("field_managers") {
			in.Errorf(v.Range, "Missing required argument", "It is not said which fields to ignore. Set json_pointers, jq_path_expressions or field_managers.")
		}
		for _, pointer := range ignore.JSONPointers {
			if !strings.HasPrefix(pointer, "/") {
				in.ErrorAt(v, "json_pointers", "Invalid JSON pointer", "%q is no JSON pointer: it must begin with \"/\", as in \"/spec/replicas\".", pointer)
			}
		}
		for _, query := range ignore.JQPathExpressions {
			if len(query) > maxQuery {
				in.ErrorAt(v, "jq_path_expressions", "Invalid jq expression", "The expression has %d characters; it may have up to %d.", len(query), maxQuery)
			} else if _, err := gojq.Parse(query); err != nil {
				in.ErrorAt(v, "jq_path_expressions", "Invalid jq expression", "%q cannot be read: %s.", query, err)
			}
		}
		out = append(out, ignore)
	}
	return out
}

func redactBlock() *schema.Block {
	return &schema.Block{
		Type: "redact",
		Doc: "Fields whose values nobody is to see, beside the data of Secrets: plans, views, state, logs, events and errors have fingerprints in their place, which tell that a value changes and which are equal. " +
			"What is sent to the cluster is the value. It holds for all objects of the configuration that match, whichever application they are of.",
		Arguments: []schema.Argument{
			{Name: "group", Type: schema.String, Default: "the core group", Doc: "A pattern of the objects' API group: `db.example.com`, `*`."},
			{Name: "kind", Type: schema.String, Required: true, Doc: "A pattern of the objects' kind: `Database`, `*`."},
			{Name: "name", Type: schema.String, Default: "any", Doc: "The object's name."},
			{Name: "namespace", Type: schema.String, Default: "any", Doc: "The object's namespace."},
			{Name: "json_pointers", Type: schema.Strings, Required: true, Doc: "Fields by JSON pointer (RFC 6901), in which `*` stands for any member or element: `/spec/users/*/password`."},
		},
	}
}

func decodeRedactions(in *eval.Instance) []Redaction {
	var out []Redaction
	for _, v := range in.Values.Blocks("redact") {
		made := Redaction{
			Group: v.String("group"), Kind: v.String("kind"), Name: v.String("name"), Namespace: v.String("namespace"),
			JSONPointers: v.Strings("json_pointers"), Range: v.Range,
		}
		for _, pointer := range made.JSONPointers {
			if !strings.HasPrefix(pointer, "/") {
				in.ErrorAt(v, "json_pointers", "Invalid JSON pointer", "%q is no JSON pointer: it must begin with \"/\", as in \"/spec/password\".", pointer)
				continue
			}
			first, _, _ := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
			if slices.Contains([]string{"", "*", "apiVersion", "kind"}, first) || slices.Contains([]string{"/metadata", "/metadata/*", "/metadata/name", "/metadata/namespace"}, pointer) {
				in.ErrorAt(v, "json_pointers", "Invalid JSON pointer", "%q names what an object is called by, which messages and plans must say. Name the fields that hold the values.", pointer)
			}
		}
		out = append(out, made)
	}
	return out
}
