package lang

import (
	"github.com/zclconf/go-cty/cty"

	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/function"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/lang/value"
)

// defaultHistory is how many revisions of an application are kept, as in Argo CD.
const defaultHistory = 10

func applicationKind() *eval.Kind {
	return &eval.Kind{
		Block:   applicationBlock(),
		Root:    "application",
		Grouped: true,
		Decode:  decodeApplication,
	}
}

func applicationBlock() *schema.Block {
	return &schema.Block{
		Type:        "application",
		Labels:      []string{"name"},
		CompletedBy: "profiles",
		Doc:         "Sources that are rendered, and kept in sync at a destination. Elsewhere it is `application.NAME`, with the attributes `name`, `namespace`, `cluster`, `project` and `labels`; a reference to it makes the one that refers wait until it is synced and healthy.",
		Example: `application "payments" {
  for_each = generator.clusters.production
  project  = project.production

  source {
    repository = repository.config
    path       = "apps/payments/overlays/${each.value.labels.region}"
  }

  destination {
    cluster   = each.value.cluster
    namespace = "payments"
  }

  sync {
    automated {
      prune     = true
      self_heal = true
    }
    create_namespace = true
  }
}`,
		Arguments: []schema.Argument{
			forEachArgument(),
			dependsOnArgument(),
			{Name: "name", Type: schema.DNSLabel, Default: "made of the names and keys of the modules that it is in, its own name and its key", Doc: "What people see; unique in the project."},
			{Name: "profiles", Type: schema.References("profile"), Doc: "Profiles that say what the application does not say itself; later ones win."},
			{Name: "project", Type: schema.Reference("project"), Default: "none: nothing is guarded", Doc: "The project that it belongs to."},
			{Name: "labels", Type: schema.StringMap, Doc: "Labels to select applications by."},
			{Name: "info", Type: schema.StringMap, Doc: "What else people should know: links, owners."},
			{Name: "annotations", Type: schema.StringMap, Doc: "Annotations for programs. Those of Argo CD that subscribe to messages are followed: `notifications.argoproj.io/subscribe.TRIGGER.SERVICE`, where the service is the type of a notifier, or its type and name with a dot between them, and the value has recipients between semicolons."},
			{Name: "on_destroy", Type: schema.String, Default: `"delete"`, OneOf: []string{"delete", "orphan", "confirm"}, Doc: "What becomes of its objects when it goes: they are deleted, left as they are, or deleted where someone confirms each of them."},
			{Name: "revision_history_limit", Type: schema.Integer, Default: "10", Doc: "How many of its past states are kept for going back."},
		},
		Blocks: []schema.Nested{
			{Min: 1, Block: sourceBlock()},
			{Min: 1, Max: 1, Block: destinationBlock()},
			{Max: 1, Block: syncBlock()},
			{Block: ignoreDifferencesBlock()},
			{Block: redactBlock()},
			{Max: 1, Block: decryptionBlock()},
			{Block: acceptRiskBlock()},
			{Max: 1, Block: lifecycleBlock()},
			{Block: govern.NotifyBlock("Who hears of what about it, beside those whom its project tells.")},
		},
	}
}

func destinationBlock() *schema.Block {
	return &schema.Block{
		Type: "destination",
		Doc:  "Where its objects go.",
		Arguments: []schema.Argument{
			{Name: "cluster", Type: schema.Reference("cluster"), Required: true, Doc: "The cluster."},
			{Name: "namespace", Type: schema.DNSLabel, Default: `"default"`, Doc: "The namespace of objects that name none."},
		},
	}
}

func lifecycleBlock() *schema.Block {
	return &schema.Block{
		Type: "lifecycle",
		Doc:  "What may be done to it at all.",
		Arguments: []schema.Argument{
			{Name: "enabled", Type: schema.Bool, Default: "true", Doc: "Where false, nothing is changed, and its objects stay as they are."},
			{Name: "update", Type: schema.Bool, Default: "true", Doc: "Where false, its objects are created and deleted, but not changed."},
			{Name: "destroy", Type: schema.Bool, Default: "true", Doc: "Where false, its objects stay when it goes, and the plan says so."},
			{Name: "prevent_destroy", Type: schema.Bool, Default: "false", Doc: "Whether a plan that would destroy it is refused."},
			{Name: "max_destroyed", Type: schema.Integer, Default: "any number", Doc: "How many objects of it one plan may delete or replace, with what goes with them. In a module: of each application."},
		},
		Blocks: []schema.Nested{{Block: eval.PreconditionBlock()}},
	}
}

func decodeApplication(e *eval.Evaluation, in *eval.Instance) eval.Decoded {
	acceptsItself := len(in.Values.Blocks("accept_risk"))
	withProfiles(in)
	v := in.Values
	application := &Application{
		Address: in.Address, Name: applicationName(in), Labels: v.StringMap("labels"), Info: v.StringMap("info"), Annotations: v.StringMap("annotations"),
		OnDestroy: "delete", HistoryLimit: v.Int("revision_history_limit", defaultHistory), Range: v.Range,
		Sync: decodeSync(in, v.One("sync")), IgnoreDifferences: decodeIgnoreDifferences(in), Redactions: decodeRedactions(in), Decryption: decodeDecryption(in), Lifecycle: decodeLifecycle(append(in.Lifecycles(), v.Blocks("lifecycle")...)),
	}
	for _, b := range v.Blocks("notify") {
		application.Notify = append(application.Notify, govern.DecodeNotify(in, b))
	}
	if v.Has("on_destroy") {
		application.OnDestroy = v.String("on_destroy")
	}
	if ref, ok := v.Reference("project"); ok {
		application.Project = ref.Target.(*Project)
	}
	clusterValue, namespace := cty.DynamicVal, cty.StringVal("default")
	if destination := v.One("destination"); destination != nil {
		application.Destination = Destination{Namespace: "default", Range: destination.Range}
		if ref, ok := destination.Reference("cluster"); ok {
			application.Destination.Cluster = ref.Target.(*Cluster)
			argument, _ := destination.Get("cluster")
			clusterValue = argument.Value
		}
		if argument, ok := destination.Get("namespace"); ok {
			namespace = argument.Value
			application.Destination.Namespace = destination.String("namespace")
		}
	}
	application.Sources = decodeSources(in)
	application.AcceptedRisks = decodeAcceptedRisks(in, acceptsItself)
	if lifecycle := v.One("lifecycle"); lifecycle != nil {
		in.CheckConditions(lifecycle.Blocks("precondition"), "Precondition failed")
	}
	dependencies, known := e.Dependencies(in)
	application.DependsOn = dependencies

	name := cty.StringVal(application.Name)
	if application.Name == "" {
		name = cty.UnknownVal(cty.String)
	}
	project := cty.NullVal(cty.DynamicPseudoType)
	if argument, ok := v.Get("project"); ok {
		project = argument.Value
	}
	if !known {
		in.Deferred = true
	}
	return eval.Decoded{
		Value: value.Block(value.Reference{Address: in.Address, Target: application}, map[string]cty.Value{
			"name": name, "namespace": namespace, "cluster": clusterValue, "project": project, "labels": labelsOf(v, "labels"),
		}),
		Made: application,
	}
}

// applicationName returns the name that people see, or "" where it is not known.
func applicationName(in *eval.Instance) string {
	if in.Values.Has("name") {
		return in.Values.String("name")
	}
	text := in.QualifiedName()
	name := function.DNSLabel(text)
	if name == "" {
		in.Errorf(in.Values.Range, "Invalid name", "No name can be made of %q, as it has neither a letter a to z nor a digit. Set the argument \"name\".", text)
	}
	return name
}

// decodeLifecycle reads the lifecycle of an application and of the modules that it
// is in: what one of them forbids is forbidden.
func decodeLifecycle(blocks []*schema.Values) Lifecycle {
	var l Lifecycle
	for _, v := range blocks {
		l.Disabled = l.Disabled || !v.Bool("enabled", true)
		l.NoUpdate = l.NoUpdate || !v.Bool("update", true)
		l.NoDestroy = l.NoDestroy || !v.Bool("destroy", true)
		l.PreventDestroy = l.PreventDestroy || v.Bool("prevent_destroy", false)
		if most := v.Int("max_destroyed", 0); v.IsKnown("max_destroyed") && (l.MaxDestroyed == nil || most < *l.MaxDestroyed) {
			l.MaxDestroyed = &most
		}
	}
	return l
}
