package govern_test

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/plan/target"
)

// evaluate evaluates files, which have nothing wrong with them.
func evaluate(t *testing.T, files map[string]string) *lang.Config {
	t.Helper()
	tree := fstest.MapFS{}
	for name, content := range files {
		tree[name] = &fstest.MapFile{Data: []byte(content)}
	}
	module, diags := lang.Load("", lang.LoadOptions{FS: tree})
	config, more := module.Evaluate(context.Background(), lang.EvalOptions{})
	for _, diag := range append(diags, more...) {
		t.Errorf("unexpected diagnostic: %v", diag)
	}
	return config
}

const estate = `
variable "limit" { default = 3 }

secret "environment" "slack" { variable = "SLACK" }

cluster "prod" {
  context = "prod"
  labels  = { region = "eu" }
}

project "production" {
  destination { clusters = [cluster.prod] }
  destination {
    namespaces = ["kube-*"]
    deny       = true
  }
  source {
    repositories = ["https://github.com/example/*"]
    paths        = ["apps/**"]
  }
  signature {
    mode     = "strict"
    ssh_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
  }
  identity {
    clusters        = [cluster.prod]
    service_account = "gantry:deployer"
  }
  orphaned_resources {
    ignore { kind = "ConfigMap" }
  }
  role "deployer" {
    description = "May apply"
    groups      = ["example:sre"]
    allow {
      actions      = ["get", "plan", "apply", "action/*"]
      applications = ["*"]
    }
  }
  sync_window {
    kind         = "allow"
    schedule     = "0 9 * * 1-5"
    duration     = "8h"
    time_zone    = "Europe/Berlin"
    applications = ["web-*"]
    clusters     = [cluster.prod, "edge-*"]
    labels       = { tier = "web" }
    match        = "all"
    manual_sync  = true
    description  = "Working hours"
  }
  notify {
    trigger    = trigger.on_sync_failed
    to         = notifier.slack.ops
    recipients = ["#alerts"]
  }
}

notifier "slack" "ops" {
  token    = secret.environment.slack
  username = "gantry"
}

notifier "webhook" "audit" {
  url = "https://audit.example.com/T0K3N"
  header {
    name  = "X-Team"
    value = "delivery"
  }
}

role "sre" {
  groups = ["example:sre"]
  allow {
    actions      = ["*"]
    applications = ["*/*"]
  }
  deny {
    actions      = ["destroy"]
    applications = ["production/*"]
  }
}

policy "replicas" {
  for_each    = { Deployment = 5, StatefulSet = 2 }
  kinds       = ["apps/${each.key}"]
  actions     = ["create", "update"]
  enforcement = "warn"
  violated    = object.spec.replicas > each.value + var.limit
  message     = "${object.metadata.name} has ${object.spec.replicas} replicas"
}

policy "all" {
  violated = object.kind == "Secret"
}

health "example.com/Widget" {
  healthy     = condition("Ready").status == "True"
  degraded    = condition("Failed").status == "True"
  suspended   = object.spec.paused
  message     = condition("Ready").message
}

application "web" {
  for_each = toset(["a", "b"])
  project  = project.production
  labels   = { tier = each.key }
  source { path = "x" }
  destination { cluster = cluster.prod }
}

application "api" {
  source { path = "x" }
  destination { cluster = cluster.prod }
}

rollout "web" {
  applications = [application.api, application.web, application.web["a"]]
  dynamic "step" {
    for_each = ["a"]
    content {
      match = app.labels.tier == step.value
      bake  = "10m"
    }
  }
  step { max_update = "25%" }
}

check "limit" {
  assert {
    condition     = var.limit > 1
    error_message = "It is too low."
  }
}
`

func TestDecode(t *testing.T) {
	config := evaluate(t, map[string]string{"main.gantry.hcl": estate})
	ignore := cmp.Options{
		cmpopts.IgnoreTypes(hcl.Range{}),
		cmp.Comparer(func(a, b late.Expression) bool { return a.Text() == b.Text() }),
	}
	project := config.Projects[0]
	rules := project.Rules
	slack := &govern.Notifier{
		Address: addr.Address{Kind: "notifier", Type: "slack", Name: "ops"}, Name: "ops", Service: "slack",
		Settings: map[string]string{"username": "gantry"},
		Credentials: map[string]govern.Credential{"token": {Secret: &target.Secret{
			Address: addr.Address{Kind: "secret", Type: "environment", Name: "slack"}, Environment: &target.EnvironmentSecret{Variable: "SLACK"},
		}}},
	}
	if diff := cmp.Diff([]*govern.Notifier{slack, {
		Address: addr.Address{Kind: "notifier", Type: "webhook", Name: "audit"}, Name: "audit", Service: "webhook", Settings: map[string]string{},
		Credentials: map[string]govern.Credential{"url": {Value: "https://audit.example.com/T0K3N"}},
		Headers:     []govern.Header{{Name: "X-Team", Value: govern.Credential{Value: "delivery"}}},
	}}, config.Notifiers, ignore); diff != "" {
		t.Error("notifiers", diff)
	}
	if len(rules.Notify) != 1 || rules.Notify[0].To != config.Notifiers[0] || rules.Notify[0].Trigger != config.Triggers[0] || rules.Notify[0].Recipients[0] != "#alerts" {
		t.Errorf("notify is %+v", rules.Notify)
	}
	if len(config.Triggers) != 1 || !config.Triggers[0].BuiltIn || config.Triggers[0].Name != "on_sync_failed" {
		t.Errorf("triggers are %+v", config.Triggers)
	}
	window := rules.Windows[0]
	if window.Schedule.String() != "0 9 * * 1-5" {
		t.Errorf("the schedule is %s", window.Schedule)
	}
	rules.Windows, rules.Notify = nil, nil
	if diff := cmp.Diff(govern.Rules{
		Roles: []*govern.Role{{
			Address: project.Address, Name: "deployer", Description: "May apply", Groups: []string{"example:sre"}, AnyIssuer: true,
			Allow: []govern.Grant{{Actions: []string{"get", "plan", "apply", "action/*"}, Applications: []string{"*"}}},
		}},
		Sources:            []govern.SourceRule{{Repositories: []string{"https://github.com/example/*"}, Paths: []string{"apps/**"}}},
		Signatures:         []govern.Signature{{Strict: true, SSHKeys: []string{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}},
		Identities:         []govern.Identity{{Place: govern.Place{Clusters: []string{"prod"}}, ServiceAccount: "gantry:deployer"}},
		Orphaned:           &govern.Orphaned{Ignore: []govern.OrphanedIgnore{{Kind: "ConfigMap", Name: "*"}}},
		DeniedDestinations: []govern.Place{{Namespaces: []string{"kube-*"}}},
	}, rules, ignore); diff != "" {
		t.Error("rules", diff)
	}
	if len(project.Destinations) != 1 {
		t.Errorf("what is denied is among the destinations: %v", project.Destinations)
	}
	window.Schedule = govern.Window{}.Schedule
	if diff := cmp.Diff(govern.Window{
		Description: "Working hours", Duration: 8 * time.Hour, TimeZone: "Europe/Berlin", Applications: []string{"web-*"},
		Clusters: []string{"prod", "edge-*"}, Labels: map[string]string{"tier": "web"}, MatchAll: true, ManualSync: true,
	}, window, ignore); diff != "" {
		t.Error("window", diff)
	}
	if diff := cmp.Diff([]*govern.Role{{
		Address: addr.Address{Kind: "role", Name: "sre"}, Name: "sre", Groups: []string{"example:sre"}, AnyIssuer: true,
		Allow: []govern.Grant{{Actions: []string{"*"}, Applications: []string{"*/*"}}},
		Deny:  []govern.Grant{{Actions: []string{"destroy"}, Applications: []string{"production/*"}}},
	}}, config.Roles, ignore); diff != "" {
		t.Error("roles", diff)
	}
	first := config.Policies[1]
	if first.Address.String() != `policy.replicas["Deployment"]` || first.Kinds[0] != "apps/Deployment" || first.Enforcement != "warn" || !cmp.Equal(first.Actions, []string{"create", "update"}) {
		t.Errorf("the policy is %+v", first)
	}
	all := config.Policies[0]
	if all.Enforcement != "deny" || !cmp.Equal(all.Kinds, []string{"*"}) || !cmp.Equal(all.Actions, []string{"adopt", "create", "update", "replace", "run"}) {
		t.Errorf("a policy that says no more is %+v", all)
	}
	health := config.Health[0]
	if health.Address.String() != `health["example.com/Widget"]` || health.Group != "example.com" || health.Kind != "Widget" || !health.Progressing.IsZero() {
		t.Errorf("health is %+v", health)
	}
	rollout := config.Rollouts[0]
	web := addr.Application("web")
	if diff := cmp.Diff([]addr.Address{addr.Application("api"), web.Instance("a"), web.Instance("b")}, rollout.Applications); diff != "" {
		t.Error("rollout", diff)
	}
	if len(rollout.Steps) != 2 || rollout.Steps[0].Bake != 10*time.Minute || rollout.Steps[1].MaxUpdate != (govern.Share{Percent: 25}) || !rollout.Steps[1].Match.IsZero() {
		t.Errorf("the steps are %+v", rollout.Steps)
	}
	if check := config.Checks[0]; len(check.Assertions) != 1 || !check.Assertions[0].Holds {
		t.Errorf("the check is %+v", check)
	}
}

// In JSON late expressions are templates, as all expressions are.
func TestJSON(t *testing.T) {
	config := evaluate(t, map[string]string{
		"main.gantry.json": `{
			"locals": {"limit": 2},
			"policy": {"few": {"violated": "${object.spec.replicas > local.limit}", "message": "${object.metadata.name} has ${object.spec.replicas}"}},
			"trigger": {"always": {"when": true, "message": "hello ${app.name}"}},
			"health": {"example.com/Widget": {"healthy": "${condition(\"Ready\").status == \"True\"}"}}
		}`,
	})
	verdict := config.Policies[0].Judge(change(t, `{"metadata": {"name": "web"}, "spec": {"replicas": 3}}`))
	if !verdict.Violated || verdict.Message != "web has 3" {
		t.Errorf("got %+v", verdict)
	}
	if config.Triggers[0].BuiltIn || config.Health[0].Kind != "Widget" {
		t.Errorf("got %+v and %+v", config.Triggers[0], config.Health[0])
	}
}

// What a late expression refers to keeps it from being told while that is unknown.
func TestOffline(t *testing.T) {
	tree := fstest.MapFS{"main.gantry.hcl": &fstest.MapFile{Data: []byte(`
variable "later" { type = number }
policy "few" { violated = object.spec.replicas > var.later }
check "few" {
  assert {
    condition     = var.later > 1
    error_message = "no"
  }
}
rollout "web" {
  applications = application.web
  step {}
}
application "web" {
  for_each = toset(["a", "${var.later}"])
  source { path = "x" }
  destination { cluster = cluster.prod }
}
cluster "prod" { context = "x" }
`)}}
	module, diags := lang.Load("", lang.LoadOptions{FS: tree})
	config, more := module.Evaluate(context.Background(), lang.EvalOptions{})
	if diags = append(diags, more...); len(diags) > 0 {
		t.Error(diags)
	}
	if len(config.Policies)+len(config.Checks)+len(config.Rollouts) > 0 {
		t.Errorf("what cannot be told is told: %+v", config)
	}
}

// The usual triggers are sound, and there where they are named; a block of the same
// name takes the place of one.
func TestBuiltInTriggers(t *testing.T) {
	names := []string{"on_created", "on_deleted", "on_deployed", "on_health_degraded", "on_sync_failed", "on_sync_running", "on_sync_status_unknown", "on_sync_succeeded"}
	var text strings.Builder
	text.WriteString("notifier \"teams\" \"x\" {\n  url = \"https://x.example.com\"\n}\nproject \"x\" {\n")
	for _, name := range names {
		text.WriteString("  notify {\n    trigger = trigger." + name + "\n    to = notifier.teams.x\n  }\n")
	}
	text.WriteString("}\ntrigger \"on_deployed\" {\n  when = false\n  message = \"mine\"\n}\n")
	config := evaluate(t, map[string]string{"main.gantry.hcl": text.String()})
	fires := map[string][]string{ // by the app
		`{"name": "web", "address": "application.web", "leaving": false, "sync": {"revision": "abc", "status": "synced"}, "health": {"status": "healthy"}, "operation": {"phase": "succeeded"}}`: {"on_created", "on_sync_succeeded"},
		`{"name": "web", "address": "application.web", "leaving": false, "sync": {"status": "unknown"}, "health": {"status": "degraded"}, "operation": {"phase": "error", "message": "no"}}`:     {"on_created", "on_health_degraded", "on_sync_failed", "on_sync_status_unknown"},
		`{"name": "web", "address": "application.web", "leaving": true, "sync": {}, "health": {}, "operation": {"phase": "running", "started_at": "2026-01-02T03:04:05Z"}}`:                      {"on_created", "on_deleted", "on_sync_running"},
	}
	for app, want := range fires {
		values, err := late.Trigger.Values(fromJSON(t, map[string]string{"app": app}))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, trigger := range config.Triggers {
			if trigger.BuiltIn == (trigger.Name == "on_deployed") {
				t.Errorf("%s: built in is %v", trigger.Name, trigger.BuiltIn)
			}
			fires, diags := trigger.When.True(values)
			message, more := trigger.Message.String(values)
			if diags = append(diags, more...); len(diags) > 0 || message == "" {
				t.Errorf("%s says %q, %v", trigger.Name, message, diags)
			}
			if !trigger.OncePer.IsZero() {
				if _, diags := trigger.OncePer.Evaluate(values); len(diags) > 0 {
					t.Errorf("%s: %v", trigger.Name, diags)
				}
			}
			if fires {
				got = append(got, trigger.Name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", app, diff)
		}
	}
	if len(config.Triggers) != len(names) {
		t.Errorf("there are %d triggers", len(config.Triggers))
	}
	if none := evaluate(t, map[string]string{"main.gantry.hcl": "locals {\n  a = 1\n}\n"}); len(none.Triggers) > 0 || len(none.Graph) != 1 {
		t.Errorf("triggers that nothing names are there: %v", none.Graph)
	}
}
