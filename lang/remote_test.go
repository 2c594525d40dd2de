package lang_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/published"
	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/plan/target"
)

// ReadRemote has one state.
func (r fakeReader) ReadRemote(_ context.Context, from lang.RemoteState) (*published.Document, error) {
	switch from.Arguments["path"] {
	case "../network/.gantry":
		return networkDocument(), nil
	case "../early/.gantry":
		return nil, nil
	}
	return nil, fmt.Errorf("there is no state in %s", from.Arguments["path"])
}

func networkDocument() *published.Document {
	return &published.Document{
		Outputs: []published.Output{
			{Name: "big", Value: json.RawMessage(`9007199254740993`)},
			{Name: "password", Sensitive: true},
			{Name: "zone", Value: json.RawMessage(`{"name":"eu-1","ports":[80,443],"none":null}`)},
		},
		Clusters: []published.Cluster{
			{Name: "eu", Connection: target.Connection{Server: "https://eu.example.com"}},
			{Name: "us", Connection: target.Connection{Kubeconfig: "/home/web/.kube/config", Context: "us"}, Labels: map[string]string{"tier": "canary"}},
			{Name: "us/1", Connection: target.Connection{Server: "https://us1.example.com"}, LogsIn: true},
		},
		Projects: []published.Project{{Name: "web", Description: "The web."}},
	}
}

const remoteConfig = `
remote "network" {
  backend "local" {
    path = "../network/.gantry"
  }
}

application "web" {
  name = "web-${remote.network.clusters.us.labels.tier}"
  info = {
    zone    = remote.network.outputs.zone.name
    big     = tostring(remote.network.outputs.big)
    names   = join(" ", keys(remote.network.outputs))
    project = remote.network.projects.web.description
  }
  source {
    objects = []
  }
  destination {
    cluster = remote.network.clusters.us
  }
}
`

func TestRemote(t *testing.T) {
	m, diags := lang.Load("", lang.LoadOptions{FS: files(map[string]string{"main.gantry.hcl": remoteConfig})})
	c, more := m.Evaluate(t.Context(), lang.EvalOptions{Reader: fakeReader{}})
	if diags = append(diags, more...); len(diags) > 0 || len(c.Applications) != 1 {
		t.Fatal(diags)
	}
	web := c.Applications[0]
	want := map[string]string{"zone": "eu-1", "big": "9007199254740993", "names": "big zone", "project": "The web."}
	if diff := cmp.Diff(want, web.Info); diff != "" || web.Name != "web-canary" {
		t.Errorf("%s %s", web.Name, diff)
	}
	if got := web.Destination.Cluster.Address.String(); got != `remote.network.clusters["us"]` {
		t.Errorf("the cluster is %s", got)
	}
	if got := web.Destination.Cluster.Connection; got.Context != "us" {
		t.Errorf("it is reached by %+v", got)
	}
	pin := source.Pin{Location: source.Location{Type: source.Remote, URL: "../network/.gantry"}, Digest: networkDocument().Digest()}
	if diff := cmp.Diff([]source.Pin{pin}, c.Pins); diff != "" || len(c.Remotes) != 1 || !reflect.DeepEqual(c.Remotes[0].Pin, pin) {
		t.Errorf("pins: %s", diff)
	}
	if len(c.Clusters) > 0 {
		t.Errorf("clusters of others count as one's own")
	}
}

func TestRemoteOffline(t *testing.T) {
	m, diags := lang.Load("", lang.LoadOptions{FS: files(map[string]string{"main.gantry.hcl": remoteConfig})})
	c, more := m.Evaluate(t.Context(), lang.EvalOptions{})
	if diags = append(diags, more...); len(diags) > 0 {
		t.Fatal(diags)
	}
	if len(c.Deferred) != 1 || c.Deferred[0].String() != "application.web" {
		t.Errorf("deferred: %v", c.Deferred)
	}
}

// Two remote blocks whose clusters have the same name cannot be used at once.
func TestRemoteClustersOfOneName(t *testing.T) {
	other := strings.NewReplacer(`remote "network"`, `remote "second"`, "remote.network", "remote.second", `"web"`, `"api"`, "web-", "api-").Replace(remoteConfig)
	m, diags := lang.Load("", lang.LoadOptions{FS: files(map[string]string{"a.gantry.hcl": remoteConfig, "b.gantry.hcl": other})})
	c, more := m.Evaluate(t.Context(), lang.EvalOptions{Reader: fakeReader{}})
	var errs hcl.Diagnostics
	for _, diag := range append(diags, more...) {
		if diag.Severity == hcl.DiagError {
			errs = append(errs, diag)
		}
	}
	if len(errs) != 1 || errs[0].Summary != "Duplicate cluster name" || len(c.Applications) != 1 || len(c.Broken) != 1 {
		t.Errorf("%v", errs)
	}
}
