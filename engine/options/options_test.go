package options_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine/options"
	"github.com/gantrycd/gantry/engine/order"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/object"
)

func annotated(annotations map[string]any) map[string]string {
	return order.Annotations(object.Object{"metadata": map[string]any{"annotations": annotations}}).Options
}

// TestObjectWins crosses what applications say with what their objects do.
func TestObjectWins(t *testing.T) {
	everything := lang.Sync{Replace: true, Force: true, NoValidation: true, SkipDryRunOnMissingResource: true, Prune: "false", PrunePropagationPolicy: "orphan"}
	for _, test := range []struct {
		name string
		sync lang.Sync
		own  string
		want options.Options
	}{
		{"nothing said", lang.Sync{}, "", options.Options{Prune: "true"}},
		{"the application", everything, "", options.Options{Replace: true, Force: true, Unvalidated: true, SkipDryRun: true, Prune: "false"}},
		{
			"the object",
			lang.Sync{},
			"Replace=true,Force=true,Validate=false,SkipDryRunOnMissingResource=true,Prune=confirm,PrunePropagationPolicy=background",
			options.Options{Replace: true, Force: true, Unvalidated: true, SkipDryRun: true, Prune: "confirm", Propagation: "Background"},
		},
		{
			"the object, otherwise", everything, "Replace=false,Force=false,Validate=true,SkipDryRunOnMissingResource=false,Prune=true,PrunePropagationPolicy=foreground",
			options.Options{Prune: "true", Propagation: "Foreground"},
		},
	} {
		got, warnings := options.Of(test.sync, annotated(map[string]any{"argocd.argoproj.io/sync-options": test.own}))
		if diff := cmp.Diff(test.want, got); diff != "" || len(warnings) > 0 {
			t.Errorf("%s: %s%v", test.name, diff, warnings)
		}
	}
	own := annotated(map[string]any{"argocd.argoproj.io/sync-options": "Replace=true, Prune=false", "gantry.dev/sync-options": "Prune=true"})
	if got, _ := options.Of(lang.Sync{}, own); !got.Replace || got.Prune != "true" {
		t.Errorf("gantry's annotation does not win over Argo CD's: %+v", got)
	}
}

func TestUnknownOptions(t *testing.T) {
	for own, want := range map[string]string{
		"Prun=false":                     `there is no sync option "Prun". Did you mean Prune?`,
		"prune=false":                    `there is no sync option "prune". Did you mean Prune?`,
		"Prune=flase":                    `the sync option Prune is "flase", which says nothing; expected confirm, false or true. Did you mean false?`,
		"Prune":                          `the sync option Prune is "", which says nothing; expected confirm, false or true`,
		"CreateNamespace=true":           "the sync option CreateNamespace has no effect on a single object; it is the argument create_namespace of the application's sync block",
		"PrunePropagationPolicy=Orphan":  `the sync option PrunePropagationPolicy is "Orphan", which says nothing; expected background, foreground or orphan. Did you mean orphan?`,
		"ServerSideApply=false":          "the sync option ServerSideApply=false is passed over: everything is applied by the server; Replace=true writes an object whole",
		"ClientSideApplyMigration=false": "the sync option ClientSideApplyMigration=false is passed over: everything is applied by the server; Replace=true writes an object whole",
		"Zebra=1":                        `there is no sync option "Zebra"`,
		"ServerSideApply=true":           "",
		"PruneLast=true,Delete=confirm":  "",
	} {
		got, warnings := options.Of(lang.Sync{}, annotated(map[string]any{"argocd.argoproj.io/sync-options": own}))
		if text := strings.Join(warnings, "; "); text != want {
			t.Errorf("%s: %q, want %q", own, text, want)
		}
		if !slices.Contains([]string{"true"}, got.Prune) {
			t.Errorf("%s: Prune is %q", own, got.Prune)
		}
	}
}
