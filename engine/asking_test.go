package engine_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/engine/enginetest"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/forge/forgetest"
	"github.com/gantrycd/gantry/providers/memory"
	"github.com/gantrycd/gantry/providers/secret"
)

// oneForge has one repository, whatever is asked for.
type oneForge struct{ *forgetest.Forge }

func (f oneForge) Repository(place providers.ForgePlace) (providers.Forge, error) {
	if place.Type != "github" || place.Name != "example/web" || place.Token != "hunter2" {
		return nil, providers.ErrUnauthorized
	}
	return f.Forge, nil
}

func (f oneForge) Owner(providers.ForgePlace) (providers.ForgeOwner, error) {
	return nil, providers.ErrUnsupported
}

// A preview environment comes with a pull request and goes with it, and not because the forge
// is silent, or says that all are gone.
func TestPreviewEnvironments(t *testing.T) {
	t.Parallel()
	b := enginetest.New(t, map[string]string{"main.gantry.hcl": `
cluster "main" {
  server = "https://main.example.com"
}
generator "pull_request" "previews" {
  forge       = "github"
  repository  = "example/web"
  token       = sensitive("hunter2")
  labels      = ["preview"]
  max_removed = 1
}
application "preview" {
  for_each = generator.pull_request.previews
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "preview-${each.key}" }, data = { head = each.value.head_sha } }]
  }
  destination {
    cluster   = cluster.main
    namespace = "previews"
  }
}
`})
	cluster := memory.New(memory.Options{Name: "main", Resource: func(gvk object.GVK) providers.Resource {
		return providers.Resource{GVK: gvk, Plural: strings.ToLower(gvk.Kind) + "s", Namespaced: gvk.Kind != "Namespace"}
	}})
	forge := forgetest.New()
	silent := false
	forge.Fail = func(string) error {
		if silent {
			return providers.ErrUnreachable
		}
		return nil
	}
	b.Wrap = func(providers.Clusters) providers.Clusters { return oneCluster{cluster} }
	b.Adapt = func(o *engine.Options) { o.Forges = oneForge{forge} }
	for _, head := range []string{"a", "b", "c"} {
		forge.SetPull(providers.PullRequest{Head: head, Labels: []string{"preview"}})
	}
	forge.SetPull(providers.PullRequest{Head: "d"})
	b.MustApply(t, engine.PlanOptions{})
	if g := b.MustPlan(t, engine.PlanOptions{}).Generators; len(g) != 1 || !slices.Equal(g[0].Keys, []string{"1", "2", "3"}) || len(g[0].Reads) != 1 || g[0].Reads[0].Digest == "" {
		t.Fatalf("%+v", g)
	}

	silent = true
	p, diags := b.Plan(t, engine.PlanOptions{})
	if !diags.HasErrors() || len(written(p)) > 0 || !strings.Contains(diags.Error(), "Cannot ask forge") || strings.Contains(diags.Error(), "hunter2") {
		t.Errorf("%v, %v", written(p), diags)
	}
	silent = false

	forge.Close(2)
	if got := written(b.MustApply(t, engine.PlanOptions{})); !slices.Equal(got, []string{"preview-2 prune"}) {
		t.Errorf("after one was closed: %q", got)
	}

	forge.Close(1)
	forge.Close(3)
	p, diags = b.Plan(t, engine.PlanOptions{})
	if !diags.HasErrors() || !p.Generators[0].Blocked || len(p.Steps) > 0 {
		t.Errorf("after all are gone: %v, %v", written(p), diags)
	}
}

// written are the changes of a plan that write.
func written(p *plan.Plan) []string {
	var out []string
	if p == nil {
		return nil
	}
	for _, a := range p.Applications {
		for _, c := range a.Changes {
			if c.Action.Changes() {
				out = append(out, c.ID.Name+" "+string(c.Action))
			}
		}
	}
	return out
}

// The key of an app is read where it is, and goes to who asks the forge in the place of a token.
func TestGeneratorsAskAsAnApp(t *testing.T) {
	t.Parallel()
	b := enginetest.New(t, map[string]string{"key.pem": "of the file", "main.gantry.hcl": `
cluster "main" {
  server = "https://main.example.com"
}
secret "file" "app" {
  path = "key.pem"
}
generator "pull_request" "previews" {
  forge      = "github"
  repository = "example/web"
  app {
    id          = "123456"
    private_key = secret.file.app
  }
}
generator "scm_provider" "services" {
  forge = "github"
  owner = "example"
  app {
    id           = "123456"
    installation = "7"
    private_key  = sensitive("typed in")
  }
}
`})
	var asked []providers.ForgePlace
	b.Adapt = func(o *engine.Options) {
		o.Secrets = secret.New(secret.Options{Dir: b.Dir})
		o.Forges = askedForges{&asked}
	}
	_, diags := b.Plan(t, engine.PlanOptions{})
	if !strings.Contains(diags.Error(), "Cannot ask forge") {
		t.Errorf("%v", diags)
	}
	slices.SortFunc(asked, func(a, b providers.ForgePlace) int { return strings.Compare(a.Name, b.Name) })
	want := []providers.ForgePlace{
		{Type: "github", Name: "example", App: &providers.ForgeApp{ID: "123456", Installation: "7", Key: "typed in"}},
		{Type: "github", Name: "example/web", App: &providers.ForgeApp{ID: "123456", Key: "of the file"}},
	}
	if !reflect.DeepEqual(asked, want) {
		t.Errorf("%+v", asked)
	}
}

// askedForges notes what is asked, and does not answer.
type askedForges struct{ asked *[]providers.ForgePlace }

func (f askedForges) Repository(place providers.ForgePlace) (providers.Forge, error) {
	*f.asked = append(*f.asked, place)
	return nil, providers.ErrUnreachable
}

func (f askedForges) Owner(place providers.ForgePlace) (providers.ForgeOwner, error) {
	*f.asked = append(*f.asked, place)
	return nil, providers.ErrUnreachable
}
