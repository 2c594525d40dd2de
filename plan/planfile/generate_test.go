package planfile_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/redact"
	"github.com/gantrycd/gantry/plan/seal"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/target"
)

var fingerprints = func() seal.Fingerprinter {
	f, err := seal.NewFingerprinter(bytes.Repeat([]byte{1}, seal.KeySize))
	if err != nil {
		panic(err)
	}
	return f
}()

func identity(t testing.TB) *seal.Identity {
	t.Helper()
	id, err := seal.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// secretMark is in every secret value of a generated plan.
const secretMark = "S3cr3t-Ω"

// plans draws valid plans; withSecrets tells whether they hold any.
func plans(withSecrets bool) *rapid.Generator[*plan.Plan] {
	return rapid.Custom(func(t *rapid.T) *plan.Plan {
		p := &plan.Plan{
			ToolVersion: "0.1.0", CreatedAt: time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "created"), 0).UTC(),
			Destroy: rapid.Bool().Draw(t, "destroy"), Lineage: "lineage", InputDigest: "sha256:1",
		}
		for i := range rapid.IntRange(1, 3).Draw(t, "clusters") {
			cluster := plan.Cluster{Name: fmt.Sprintf("c%d", i), UID: rapid.String().Draw(t, "uid"), Connection: target.Connection{Server: "https://example.com"}}
			if withSecrets {
				cluster.Credentials = target.Credentials{Token: object.Sensitive(secretMark + rapid.String().Draw(t, "token")), Username: secretMark}
				cluster.Credentials.Secrets = readLater(rapid.IntRange(0, 2).Draw(t, "secrets"))
			}
			p.Clusters = append(p.Clusters, cluster)
		}
		for i := range rapid.IntRange(0, 4).Draw(t, "applications") {
			a := plan.Application{
				Address: addr.Application("app").Instance(fmt.Sprintf("%d/%s", i, rapid.String().Draw(t, "key"))),
				Name:    "app", Cluster: p.Clusters[i%len(p.Clusters)].Name, Serial: rapid.Int64().Draw(t, "serial"),
				Sources:  []source.Pin{{Location: source.Location{Type: source.Git, URL: "https://example.com/a"}, Resolved: "abc"}},
				Settings: plan.Settings{HealthTimeout: time.Minute},
				Warnings: rapid.SliceOfN(rapid.String(), 1, 2).Draw(t, "warnings"),
			}
			for j := range rapid.IntRange(0, 4).Draw(t, "changes") {
				a.Changes = append(a.Changes, changes(withSecrets && j%2 == 0, j).Draw(t, "change"))
			}
			p.Applications = append(p.Applications, a)
			for j := range a.Changes {
				step := plan.Step{Kind: plan.StepWrite, Application: i, Change: j}
				for need := range p.Steps {
					if rapid.Bool().Draw(t, "needs") {
						step.Needs = append(step.Needs, need)
					}
				}
				p.Steps = append(p.Steps, step)
			}
			p.Steps = append(p.Steps, plan.Step{Kind: plan.StepRecord, Application: i})
		}
		return p
	})
}

func changes(secret bool, n int) *rapid.Generator[plan.Change] {
	return rapid.Custom(func(t *rapid.T) plan.Change {
		c := plan.Change{
			Version: "v1", Action: rapid.SampledFrom(plan.Actions()).Draw(t, "action"), Reason: rapid.String().Draw(t, "reason"),
			Phase: rapid.SampledFrom([]plan.Phase{"", plan.PhasePreSync}).Draw(t, "phase"),
		}
		meta := map[string]any{"name": fmt.Sprintf("o%d", n), "namespace": "web"}
		if secret {
			value := secretMark + rapid.String().Draw(t, "value")
			c.Secret = object.Object{
				"apiVersion": "v1", "kind": "Secret", "metadata": meta,
				"data": map[string]any{"key": base64.StdEncoding.EncodeToString([]byte(value))},
			}
			c.Body, _ = redact.Object(c.Secret, fingerprints)
			c.ID = c.Body.ID()
			c.Fields = redact.Fields(c.GVK(), []plan.FieldChange{{Path: "data.key", After: value, Kind: plan.Added}}, fingerprints)
			return c
		}
		c.Body = object.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": values(3).Draw(t, "data")}
		c.ID = c.Body.ID()
		c.Fields = []plan.FieldChange{{Path: "data.x", Before: values(1).Draw(t, "before"), After: values(1).Draw(t, "after"), Kind: plan.Changed}}
		return c
	})
}

// values draws JSON-shaped values that JSON can tell apart: no empty lists that
// omitempty drops, no whole float64.
func values(depth int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.String().AsAny(), rapid.Bool().AsAny(), rapid.Int64().AsAny(),
		rapid.Float64Range(-1e6, 1e6).Filter(func(f float64) bool { return f != float64(int64(f)) }).AsAny(),
	}
	if depth == 0 {
		return rapid.OneOf(leaves...)
	}
	return rapid.OneOf(append(leaves,
		rapid.Map(rapid.SliceOfN(values(depth-1), 1, 3), func(v []any) any { return v }),
		rapid.Map(rapid.MapOfN(rapid.String(), values(depth-1), 1, 3), func(v map[string]any) any { return v }),
	)...)
}

// example is one plan with secrets, always the same.
func example(t testing.TB) *plan.Plan {
	t.Helper()
	p := plans(true).Filter(func(p *plan.Plan) bool {
		return len(p.Applications) > 1 && len(p.Applications[0].Changes) > 2 && len(p.Steps) > 3
	}).Example(7)
	if !strings.Contains(fmt.Sprint(p.Applications[0].Changes[0].Secret), "data") {
		t.Fatal("the example has no secret")
	}
	return p
}

// readLater returns secrets that are in clusters whose own credentials are secrets,
// to a depth.
func readLater(depth int) target.Secrets {
	if depth == 0 {
		return target.Secrets{}
	}
	in := func(kind string) addr.Address { return addr.Address{Kind: "secret", Type: kind, Name: "s"} }
	return target.Secrets{
		Username: &target.Secret{Address: in("environment"), Environment: &target.EnvironmentSecret{Variable: "X"}},
		Password: &target.Secret{Address: in("file"), File: &target.FileSecret{Path: "x"}},
		ClientKey: &target.Secret{Address: in("command"), Command: &target.CommandSecret{
			Command: "x", Args: []string{"a"}, Env: map[string]string{"A": "b"}, Timeout: time.Minute,
		}},
		Token: &target.Secret{Address: in("kubernetes"), Kubernetes: &target.KubernetesSecret{
			Cluster: "c", Connection: target.Connection{Server: "https://example.com"}, Namespace: "n", Name: "s", Key: "k",
			Credentials: target.Credentials{Password: secretMark, Secrets: readLater(depth - 1)},
		}},
	}
}
