// Package options tells which sync options hold for an object: those of its
// application, and those of its annotations, which win.
//
// The options and their values are Argo CD's. The package does no I/O; the engine
// imports it. What Prune and Delete mean for an object that goes, and where PruneLast
// puts it, is engine/order's to read.
package options

import (
	"fmt"
	"maps"
	"slices"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/schema"
)

// Options are what holds for one object.
type Options struct {
	Replace     bool   // where it changes it is written whole
	Force       bool   // it may be deleted and made anew where immutable fields change
	Unvalidated bool   // fields that the server does not know are left out
	SkipDryRun  bool   // a kind that nobody knows yet is predicted
	Prune       string // "true", "false" or "confirm": what becomes of it when it is no longer desired
	// Propagation is of its deletion, where the object itself says: "Foreground",
	// "Background" or "Orphan".
	Propagation string
}

// Of returns what holds for an object whose annotations have the options in own,
// "Prune=false" as "Prune": "false". The warnings tell of those that say nothing that
// can be understood, sorted.
func Of(sync lang.Sync, own map[string]string) (o Options, warnings []string) {
	o = Options{
		Replace: sync.Replace, Force: sync.Force, Unvalidated: sync.NoValidation, SkipDryRun: sync.SkipDryRunOnMissingResource,
		Prune: sync.Prune,
	}
	if o.Prune == "" {
		o.Prune = "true"
	}
	for _, name := range slices.Sorted(maps.Keys(own)) {
		value := own[name]
		known, ok := knownOptions()[name]
		switch {
		case !ok:
			warnings = append(warnings, unknown(name))
			continue
		case known.application:
			warnings = append(warnings, fmt.Sprintf("the sync option %s has no effect on a single object; it is the argument %s of the application's sync block", name, known.argument))
			continue
		case !slices.Contains(known.values, value):
			warnings = append(warnings, fmt.Sprintf("the sync option %s is %q, which says nothing; expected %s%s", name, value, schema.List(known.values, "or"), meant(value, known.values)))
			continue
		}
		o.set(name, value)
		if value == "false" && (name == "ServerSideApply" || name == "ClientSideApplyMigration") {
			warnings = append(warnings, fmt.Sprintf("the sync option %s=false is passed over: everything is applied by the server; Replace=true writes an object whole", name))
		}
	}
	return o, warnings
}

// set takes over an option of the object's own, whose value is one that it may have.
func (o *Options) set(name, value string) {
	switch name {
	case "Replace":
		o.Replace = value == "true"
	case "Force":
		o.Force = value == "true"
	case "Validate":
		o.Unvalidated = value == "false"
	case "SkipDryRunOnMissingResource":
		o.SkipDryRun = value == "true"
	case "Prune":
		o.Prune = value
	case "PrunePropagationPolicy":
		o.Propagation = Propagation(value)
	}
}

// Propagation is a policy of deletion as Kubernetes calls it; empty for none.
func Propagation(policy string) string {
	return map[string]string{"foreground": "Foreground", "background": "Background", "orphan": "Orphan"}[policy]
}

// option is one of Argo CD's sync options.
type option struct {
	values      []string
	application bool   // it is one of applications alone
	argument    string // of the sync block, which is the same for an application
}

// knownOptions are the options that there are, by name.
func knownOptions() map[string]option {
	boolean := []string{"true", "false"}
	confirmed := []string{"true", "false", "confirm"}
	return map[string]option{
		"ApplyOutOfSyncOnly":          {application: true, argument: "apply_out_of_sync_only"},
		"ClientSideApplyMigration":    {values: boolean},
		"CreateNamespace":             {application: true, argument: "create_namespace"},
		"Delete":                      {values: confirmed},
		"FailOnSharedResource":        {application: true, argument: "fail_on_shared_resource"},
		"Force":                       {values: boolean},
		"Prune":                       {values: confirmed},
		"PruneLast":                   {values: boolean},
		"PrunePropagationPolicy":      {values: []string{"foreground", "background", "orphan"}},
		"Replace":                     {values: boolean},
		"RespectIgnoreDifferences":    {application: true, argument: "respect_ignore_differences"},
		"ServerSideApply":             {values: boolean},
		"SkipDryRunOnMissingResource": {values: boolean},
		"Validate":                    {values: boolean},
	}
}

func unknown(name string) string {
	return fmt.Sprintf("there is no sync option %q%s", name, meant(name, slices.Sorted(maps.Keys(knownOptions()))))
}

// meant asks whether one of the names was meant; empty where none is like it.
func meant(text string, names []string) string {
	if near := schema.Suggest(text, names); near != "" {
		return fmt.Sprintf(". Did you mean %s?", near)
	}
	return ""
}
