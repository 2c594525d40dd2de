package takes_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/engine/takes"
	"github.com/gantrycd/gantry/engine/track"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// parse makes an object of a line: "KIND[.GROUP] [NAMESPACE/]NAME [<OWNER,…] [{fields}]". Its
// uid is "KIND NAME".
func parse(t *testing.T, line string) object.Object {
	t.Helper()
	line, fields, _ := strings.Cut(line, "{")
	words := strings.Fields(line)
	kind, group, grouped := strings.Cut(words[0], ".")
	namespace, name, namespaced := strings.Cut(words[1], "/")
	if !namespaced {
		namespace, name = "", words[1]
	}
	metadata := map[string]any{"name": name, "uid": kind + " " + name}
	if namespaced {
		metadata["namespace"] = namespace
	}
	o := object.Object{}
	if fields != "" {
		if err := yaml.Unmarshal([]byte("{"+fields), &o); err != nil {
			t.Fatal(err)
		}
	}
	o["apiVersion"], o["kind"] = "v1", kind
	if grouped {
		o["apiVersion"] = group + "/v1"
	}
	if o["deleting"] != nil {
		metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
	}
	if len(words) > 2 {
		var references []any
		for owner := range strings.SplitSeq(strings.TrimPrefix(strings.Join(words[2:], " "), "<"), ",") {
			references = append(references, map[string]any{"uid": owner})
		}
		metadata["ownerReferences"] = references
	}
	o["metadata"] = metadata
	return o
}

// lines returns what goes with each deletion, one kind a line.
func lines(results []takes.Result) []string {
	var out []string
	for i, result := range results {
		for _, taken := range result.Taken {
			line := fmt.Sprintf("%d %s %s", i, taken.Why, object.GroupKind{Group: taken.Group, Kind: taken.Kind})
			for _, flag := range []struct {
				set  bool
				name string
			}{{taken.Data, "data"}, {taken.Transient, "transient"}} {
				if flag.set {
					line += " " + flag.name
				}
			}
			line += ":"
			for _, id := range taken.IDs {
				line += " " + strings.TrimPrefix(id.Namespace+"/"+id.Name, "/")
			}
			if taken.Count != len(taken.IDs) {
				line += " (count is wrong)"
			}
			out = append(out, line)
		}
		for _, id := range result.Loose {
			out = append(out, fmt.Sprintf("%d loose %s", i, id))
		}
	}
	return out
}

func TestWhatGoes(t *testing.T) {
	const claim, volume = "PersistentVolumeClaim n/", "PersistentVolume "
	for name, c := range map[string]struct {
		delete []string // a leading "orphan " leaves what it owns
		world  []string // beside what is deleted
		want   []string
	}{
		"nothing": {[]string{"ConfigMap n/a"}, []string{"ConfigMap n/b", "Secret n/c <ConfigMap b"}, nil},
		"a deployment's": {
			[]string{"Deployment.apps n/web"},
			[]string{"ReplicaSet.apps n/web-1 <Deployment web", "Pod n/web-1-b <ReplicaSet web-1", "Pod n/web-1-a <ReplicaSet web-1", "Pod n/other <ReplicaSet other", "ReplicaSet.apps n/other"},
			[]string{"0 owned Pod transient: n/web-1-a n/web-1-b", "0 owned ReplicaSet.apps transient: n/web-1"},
		},
		"orphaned":     {[]string{"orphan Deployment.apps n/web"}, []string{"ReplicaSet.apps n/web-1 <Deployment web"}, nil},
		"a cron job's": {[]string{"CronJob.batch n/c"}, []string{"Job.batch n/c-1 <CronJob c", "Pod n/c-1-x <Job c-1"}, []string{"0 owned Job.batch transient: n/c-1", "0 owned Pod transient: n/c-1-x"}},
		"of a custom resource": {
			[]string{"Database.example.com n/db"},
			[]string{"StatefulSet.apps n/db <Database db", "Secret n/password <Database db", "Pod n/db-0 <StatefulSet db"},
			[]string{"0 owned Pod transient: n/db-0", "0 owned Secret: n/password", "0 owned StatefulSet.apps: n/db"},
		},
		"what belongs to a pod is as fleeting": {
			[]string{"DaemonSet.apps n/d"},
			[]string{"Pod n/d-x <DaemonSet d", "CiliumEndpoint.cilium.io n/d-x <Pod d-x", claim + "d-x-scratch <Pod d-x{spec: {volumeName: v}}", volume + "v{spec: {persistentVolumeReclaimPolicy: Delete, claimRef: {uid: PersistentVolumeClaim d-x-scratch}}}"},
			[]string{"0 owned CiliumEndpoint.cilium.io transient: n/d-x", "0 owned PersistentVolumeClaim data transient: n/d-x-scratch", "0 owned Pod transient: n/d-x", "0 volume PersistentVolume data transient: v"},
		},
		"with another owner that stays": {[]string{"ConfigMap n/a"}, []string{"ConfigMap n/b", "Secret n/s <ConfigMap a,ConfigMap b"}, nil},
		"with two owners that go":       {[]string{"ConfigMap n/a", "ConfigMap n/b"}, []string{"Secret n/s <ConfigMap a,ConfigMap b"}, []string{"0 owned Secret: n/s"}},
		"with an owner that goes later": {
			[]string{"ConfigMap n/a", "ConfigMap n/b"},
			[]string{"Secret n/s <ConfigMap a,Secret t", "Secret n/t <ConfigMap b", "Secret n/u <Secret s"},
			[]string{"1 owned Secret: n/s n/t n/u"},
		},
		"with an owner that is gone": {[]string{"ConfigMap n/a"}, []string{"Secret n/s <ConfigMap a,ConfigMap long-gone"}, []string{"0 owned Secret: n/s"}},
		"what goes already":          {[]string{"ConfigMap n/a"}, []string{"Secret n/s <ConfigMap a{deleting: true}"}, nil},
		"what the plan deletes":      {[]string{"Deployment.apps n/a", "Secret n/s <Deployment a"}, []string{"ConfigMap n/c <Secret s"}, []string{"1 owned ConfigMap: n/c"}},
		"a circle":                   {[]string{"ConfigMap n/a"}, []string{"Secret n/s <ConfigMap a,Secret t", "Secret n/t <Secret s"}, nil},
		"across namespaces, of a cluster's object": {
			[]string{"Tenant.example.com t"},
			[]string{"Namespace one <Tenant t", "Role.rbac.authorization.k8s.io two/r <Tenant t"},
			[]string{"0 owned Namespace: one", "0 owned Role.rbac.authorization.k8s.io: two/r"},
		},
		"a namespace": {
			[]string{"Namespace n", "ConfigMap n/item"},
			[]string{"ConfigMap n/kube-root-ca.crt", "ServiceAccount n/default", "Secret n/s", "EndpointSlice.discovery.k8s.io n/e", "Pod n/p <ReplicaSet r", "ConfigMap other/o", "Secret n/of-item <ConfigMap item"},
			[]string{"0 inside EndpointSlice.discovery.k8s.io transient: n/e", "0 inside Pod transient: n/p", "0 inside Secret: n/s", "0 loose Secret n/s", "1 owned Secret: n/of-item"},
		},
		"a namespace, though what is owned is orphaned": {[]string{"orphan Namespace n"}, []string{"Secret n/s"}, []string{"0 inside Secret: n/s", "0 loose Secret n/s"}},
		"a definition": {
			[]string{"CustomResourceDefinition.apiextensions.k8s.io dbs{spec: {group: example.com, names: {kind: Db}}}", "Db.example.com n/item"},
			[]string{"Db.example.com n/other", "Db.example.com m/third", "Db.other.com n/not", "Secret n/s <Db other", "Db.example.com n/child <Db item"},
			[]string{"0 instance Db.example.com: m/third n/other", "0 owned Secret: n/s", "0 loose Db.example.com m/third", "0 loose Db.example.com n/other", "1 owned Db.example.com: n/child"},
		},
		"a claim's volume": {
			[]string{claim + "c{spec: {volumeName: v}}"},
			[]string{volume + "v{spec: {persistentVolumeReclaimPolicy: Delete, claimRef: {uid: PersistentVolumeClaim c}}}"},
			[]string{"0 volume PersistentVolume data: v"},
		},
		"a claim's volume that is kept":            {[]string{claim + "c{spec: {volumeName: v}}"}, []string{volume + "v{spec: {persistentVolumeReclaimPolicy: Retain}}"}, nil},
		"a claim's volume that is another's":       {[]string{claim + "c{spec: {volumeName: v}}"}, []string{volume + "v{spec: {persistentVolumeReclaimPolicy: Delete, claimRef: {uid: other}}}"}, nil},
		"a claim's volume that the plan deletes":   {[]string{claim + "c{spec: {volumeName: v}}", volume + "v{spec: {persistentVolumeReclaimPolicy: Delete}}"}, nil, nil},
		"a claim without a volume, in a namespace": {[]string{"Namespace n"}, []string{claim + "c"}, []string{"0 inside PersistentVolumeClaim: n/c", "0 loose PersistentVolumeClaim n/c"}},
		"a claim whose volume is not seen":         {[]string{"Namespace n"}, []string{claim + "c{spec: {volumeName: v}}"}, []string{"0 inside PersistentVolumeClaim data: n/c", "0 loose PersistentVolumeClaim n/c"}},
		"a claim whose volume is emptied":          {[]string{"Namespace n"}, []string{claim + "c{spec: {volumeName: v}}", volume + "v{spec: {persistentVolumeReclaimPolicy: Recycle}}"}, []string{"0 inside PersistentVolumeClaim data: n/c", "0 loose PersistentVolumeClaim n/c"}},
		"claims of a stateful set that keeps them": {[]string{"StatefulSet.apps n/s{spec: {volumeClaimTemplates: [{metadata: {name: d}}]}}"}, []string{claim + "d-s-0{spec: {volumeName: v}}"}, nil},
		"claims of a stateful set that takes them": {
			[]string{"StatefulSet.apps n/s{spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}, volumeClaimTemplates: [{metadata: {name: d}}]}}"},
			[]string{claim + "d-s-0 <StatefulSet s{spec: {volumeName: v}}", claim + "d-s-1", claim + "d-s-x", claim + "d-s-", volume + "v{spec: {persistentVolumeReclaimPolicy: Delete}}"},
			[]string{"0 owned PersistentVolumeClaim data: n/d-s-0", "0 owned PersistentVolumeClaim: n/d-s-1", "0 volume PersistentVolume data: v"},
		},
		"claims of a stateful set that is orphaned": {
			[]string{"orphan StatefulSet.apps n/s{spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}, volumeClaimTemplates: [{metadata: {name: d}}]}}"},
			[]string{claim + "d-s-0 <StatefulSet s{spec: {volumeName: v}}"},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var deletions []takes.Deletion
			var objects []object.Object
			for _, line := range c.delete {
				text, orphan := strings.CutPrefix(line, "orphan ")
				o := parse(t, text)
				deletions = append(deletions, takes.Deletion{Object: o, Orphan: orphan})
				objects = append(objects, o)
			}
			for _, line := range c.world {
				objects = append(objects, parse(t, line))
			}
			for range 2 { // in whichever order they are read
				world := takes.NewWorld("lineage")
				world.Add(objects)
				world.Add(objects)
				if have := lines(world.Of(deletions)); !slices.Equal(have, c.want) {
					t.Errorf("have\n  %s\nwant\n  %s", strings.Join(have, "\n  "), strings.Join(c.want, "\n  "))
				}
				slices.Reverse(objects)
			}
		})
	}
}

// TestApplicationsAreNamed: what belongs to an application of this installation says
// so, and what carries a mark of another, or a copied one, does not.
func TestApplicationsAreNamed(t *testing.T) {
	owner := addr.Application("other")
	ours := track.Stamp(parse(t, "Db.example.com n/ours"), "lineage", owner)
	theirs := track.Stamp(parse(t, "Db.example.com n/theirs"), "elsewhere", owner)
	copied := parse(t, "Db.example.com n/copied")
	copied.Metadata()["annotations"] = ours.Metadata()["annotations"]
	world := takes.NewWorld("lineage")
	world.Add([]object.Object{theirs, copied, ours})
	crd := parse(t, "CustomResourceDefinition.apiextensions.k8s.io dbs{spec: {group: example.com, names: {kind: Db}}}")
	want := []plan.Taken{
		{Group: "example.com", Kind: "Db", Why: plan.TakenInstance, Count: 2, IDs: []plan.TakenID{{Namespace: "n", Name: "copied"}, {Namespace: "n", Name: "theirs"}}},
		{Group: "example.com", Kind: "Db", Why: plan.TakenInstance, Count: 1, Of: "application.other", IDs: []plan.TakenID{{Namespace: "n", Name: "ours"}}},
	}
	if diff := cmp.Diff(want, world.Of([]takes.Deletion{{Object: crd}})[0].Taken); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsRead(t *testing.T) {
	kind := func(group, name string, namespaced bool, verbs ...string) providers.Resource {
		if verbs == nil {
			verbs = []string{"delete", "list"}
		}
		return providers.Resource{GVK: object.GVK{Group: group, Version: "v1", Kind: name}, Namespaced: namespaced, Verbs: verbs}
	}
	kinds := []providers.Resource{
		kind("", "Event", true), kind("", "Pod", true), kind("", "PersistentVolumeClaim", true), kind("", "Node", false), kind("", "PersistentVolume", false),
		kind("metrics.k8s.io", "PodMetrics", true, "list"), kind("example.com", "Db", true),
	}
	crd := "CustomResourceDefinition.apiextensions.k8s.io dbs{spec: {group: example.com, names: {kind: Db}}}"
	var many []string
	for i := range 16 {
		many = append(many, fmt.Sprintf("ConfigMap n%d/a", i))
	}
	for name, c := range map[string]struct {
		delete []string
		want   string
	}{
		"nothing":              {nil, ""},
		"orphaned":             {[]string{"orphan Deployment.apps n/a"}, ""},
		"in a namespace":       {[]string{"ConfigMap n/a", "ConfigMap n/b"}, "Pod in n, PersistentVolumeClaim in n whole, Db in n"},
		"in two":               {[]string{"ConfigMap n/a", "orphan ConfigMap o/b", "ConfigMap m/b"}, "Pod in m, Pod in n, PersistentVolumeClaim in m whole, PersistentVolumeClaim in n whole, Db in m, Db in n"},
		"in many":              {many, "Pod, PersistentVolumeClaim whole, Db"},
		"of the cluster":       {[]string{"ClusterRole.rbac.authorization.k8s.io a"}, "Pod, PersistentVolumeClaim whole, Node, PersistentVolume whole, Db"},
		"a namespace":          {[]string{"Namespace n"}, "Pod in n, PersistentVolumeClaim in n whole, Node, Db in n"},
		"a definition":         {[]string{"orphan " + crd}, "Pod, PersistentVolumeClaim whole, Node, PersistentVolume whole, Db"},
		"a claim, of orphaned": {[]string{"orphan PersistentVolumeClaim n/c"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var deletions []takes.Deletion
			for _, line := range c.delete {
				text, orphan := strings.CutPrefix(line, "orphan ")
				deletions = append(deletions, takes.Deletion{Object: parse(t, text), Orphan: orphan})
			}
			var have []string
			for _, read := range takes.Reads(kinds, deletions) {
				line := read.Resource.GVK.Kind
				if read.Namespace != "" {
					line += " in " + read.Namespace
				}
				if read.Whole {
					line += " whole"
				}
				have = append(have, line)
			}
			if text := strings.Join(have, ", "); text != c.want {
				t.Errorf("have %s\nwant %s", text, c.want)
			}
		})
	}
	t.Run("volumes where there are claims", func(t *testing.T) {
		world := takes.NewWorld("")
		if reads := world.Volumes(kinds, nil); len(reads) != 0 {
			t.Errorf("without claims: %v", reads)
		}
		if reads := world.Volumes(kinds, []takes.Deletion{{Object: parse(t, "PersistentVolumeClaim n/c")}}); len(reads) != 1 {
			t.Errorf("of a claim: %v", reads)
		}
		world.Add([]object.Object{parse(t, "PersistentVolumeClaim n/c")})
		if reads := world.Volumes(kinds, nil); len(reads) != 1 || !reads[0].Whole {
			t.Errorf("with claims: %v", reads)
		}
		world.Add([]object.Object{parse(t, "PersistentVolume v")})
		if reads := world.Volumes(kinds, nil); len(reads) != 0 {
			t.Errorf("once they are read: %v", reads)
		}
	})
}

func TestWhatIsHidden(t *testing.T) {
	read := func(kind string, namespaced bool, namespace string, instead ...string) takes.Read {
		return takes.Read{Resource: providers.Resource{GVK: object.GVK{Group: "example.com", Version: "v1", Kind: kind}, Namespaced: namespaced}, Namespace: namespace, Instead: instead}
	}
	crd := "CustomResourceDefinition.apiextensions.k8s.io dbs{spec: {group: example.com, names: {kind: Db}}}"
	for name, c := range map[string]struct {
		delete      string
		read        takes.Read
		some, loose bool
	}{
		"in its namespace":                {"ConfigMap n/a", read("Db", true, "n"), true, false},
		"in another":                      {"ConfigMap n/a", read("Db", true, "m"), false, false},
		"anywhere":                        {"ConfigMap n/a", read("Db", true, ""), true, false},
		"anywhere but there":              {"ConfigMap n/a", read("Db", true, "", "n"), false, false},
		"the cluster's":                   {"ConfigMap n/a", read("Db", false, ""), false, false},
		"of an object of the cluster":     {"Tenant.example.com t", read("Db", true, "", "n"), true, false},
		"of what is orphaned":             {"orphan ConfigMap n/a", read("Db", true, "n"), false, false},
		"in a namespace that goes":        {"Namespace n", read("Db", true, "n"), true, true},
		"beside a namespace that goes":    {"Namespace n", read("Db", true, "m"), false, false},
		"beyond a namespace that goes":    {"Namespace n", read("Db", true, "", "n"), false, false},
		"of the kind that goes":           {crd, read("Db", true, ""), true, true},
		"of another kind than that":       {crd, read("Other", true, ""), true, false},
		"the cluster's, of a namespace's": {"Namespace n", read("Db", false, ""), true, false},
	} {
		t.Run(name, func(t *testing.T) {
			text, orphan := strings.CutPrefix(c.delete, "orphan ")
			d := takes.Deletion{Object: parse(t, text), Orphan: orphan}
			if some, loose := d.Hides(c.read); some != c.some || loose != c.loose {
				t.Errorf("some %v, loose %v", some, loose)
			}
		})
	}
}
