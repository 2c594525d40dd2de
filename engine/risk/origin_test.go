package risk_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1beta1 "k8s.io/api/admissionregistration/v1beta1"
	batchv1beta1 "k8s.io/api/batch/v1beta1"
	certificatesv1beta1 "k8s.io/api/certificates/v1beta1"
	extensionsv1beta1 "k8s.io/api/extensions/v1beta1"
	flowcontrolv1beta3 "k8s.io/api/flowcontrol/v1beta3"
	networkingv1beta1 "k8s.io/api/networking/v1beta1"
	policyv1beta1 "k8s.io/api/policy/v1beta1"
	resourcev1beta1 "k8s.io/api/resource/v1beta1"
	storagev1beta1 "k8s.io/api/storage/v1beta1"

	"github.com/gantrycd/gantry/engine/risk"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/riskcode"
	"github.com/gantrycd/gantry/plan/source"
)

func TestAPIVersions(t *testing.T) {
	of := func(apiVersion, kind, cluster string, warnings ...string) situation {
		return situation{
			after: "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata: {name: x}\n", version: cluster,
			change: func(c *plan.Change) { c.Warnings = warnings },
		}
	}
	const slices = "ResourceSlice.resource.k8s.io x: "
	check(t, map[string]expectation{
		"the next version":        {of("resource.k8s.io/v1beta1", "ResourceSlice", "v1.37.2"), []string{"medium api-deprecated " + slices + "Kubernetes 1.38 no longer serves resource.k8s.io/v1beta1 ResourceSlice; the cluster has 1.37 … Use resource.k8s.io/v1"}},
		"a later one":             {of("resource.k8s.io/v1beta2", "ResourceSlice", "v1.37.2"), nil},
		"of a distribution":       {of("resource.k8s.io/v1beta2", "ResourceSlice", "v1.38.0-eks-1234"), []string{"medium api-deprecated " + slices}},
		"gone already":            {of("batch/v1beta1", "CronJob", "1.30"), []string{"medium api-deprecated CronJob.batch x: Kubernetes 1.25 no longer serves"}},
		"a version that stays":    {of("batch/v1", "CronJob", "v1.37.2"), nil},
		"cluster not known":       {of("batch/v1beta1", "CronJob", "weird"), nil},
		"the server says so":      {of("example.com/v1beta1", "Widget", "v1.37.2", "example.com/v1beta1 Widget is deprecated"), []string{"low api-deprecated Widget.example.com x: The server says: example.com/v1beta1 Widget is deprecated."}},
		"the server says when":    {of("policy/v1beta1", "Eviction", "v1.37.2", "policy/v1beta1 Eviction is deprecated in v1.30+, unavailable in v1.38+"), []string{"medium api-deprecated Eviction.policy x: unavailable in v1.38+."}},
		"the server says, later":  {of("policy/v1beta1", "Eviction", "v1.37.2", "policy/v1beta1 Eviction is deprecated in v1.30+, unavailable in v1.40+"), []string{"low api-deprecated Eviction.policy x: "}},
		"the server says another": {of("v1", "Pod", "v1.37.2", "unknown field \"spec.foo\""), nil},
	})
}

// TestRemovals holds the table of removed versions to what the types of Kubernetes say.
func TestRemovals(t *testing.T) {
	for apiVersion, o := range map[string]interface {
		APILifecycleRemoved() (major, minor int)
	}{
		"admissionregistration.k8s.io/v1beta1 MutatingWebhookConfiguration": &admissionv1beta1.MutatingWebhookConfiguration{},
		"admissionregistration.k8s.io/v1beta1 ValidatingAdmissionPolicy":    &admissionv1beta1.ValidatingAdmissionPolicy{},
		"admissionregistration.k8s.io/v1beta1 MutatingAdmissionPolicy":      &admissionv1beta1.MutatingAdmissionPolicy{},
		"batch/v1beta1 CronJob":                           &batchv1beta1.CronJob{},
		"certificates.k8s.io/v1beta1 ClusterTrustBundle":  &certificatesv1beta1.ClusterTrustBundle{},
		"extensions/v1beta1 Deployment":                   &extensionsv1beta1.Deployment{},
		"extensions/v1beta1 Ingress":                      &extensionsv1beta1.Ingress{},
		"flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema": &flowcontrolv1beta3.FlowSchema{},
		"networking.k8s.io/v1beta1 Ingress":               &networkingv1beta1.Ingress{},
		"networking.k8s.io/v1beta1 ServiceCIDR":           &networkingv1beta1.ServiceCIDR{},
		"policy/v1beta1 PodDisruptionBudget":              &policyv1beta1.PodDisruptionBudget{},
		"resource.k8s.io/v1beta1 ResourceClaim":           &resourcev1beta1.ResourceClaim{},
		"storage.k8s.io/v1beta1 StorageClass":             &storagev1beta1.StorageClass{},
		"storage.k8s.io/v1beta1 VolumeAttributesClass":    &storagev1beta1.VolumeAttributesClass{},
	} {
		version, kind, _ := strings.Cut(apiVersion, " ")
		_, minor := o.APILifecycleRemoved()
		for _, c := range []struct{ minor, risks int }{{minor - 2, 0}, {minor - 1, 1}} {
			risks, _ := situation{after: "apiVersion: " + version + "\nkind: " + kind + "\nmetadata: {name: x}\n", version: fmt.Sprintf("v1.%d.0", c.minor)}.assess(t)
			risks = withCode(risks, riskcode.APIDeprecated)
			if len(risks) != c.risks {
				t.Errorf("%s is removed in 1.%d; for a cluster of 1.%d there is %+v", apiVersion, minor, c.minor, risks)
			}
		}
	}
}

func withCode(risks []plan.Risk, code string) []plan.Risk {
	var out []plan.Risk
	for _, r := range risks {
		if r.Code == code {
			out = append(out, r)
		}
	}
	return out
}

const anything = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n"

func TestSources(t *testing.T) {
	from := func(s risk.Source) situation {
		return situation{after: anything, app: func(a *risk.Application) { a.Sources = []risk.Source{s} }}
	}
	of := func(typ source.Type, revision string) risk.Source {
		return risk.Source{Pin: source.Pin{Location: source.Location{Type: typ, URL: "https://example.com/x", Revision: revision, Chart: "web"}, Resolved: "1.2.3"}}
	}
	git := func(revision, ref string) situation {
		s := of(source.Git, revision)
		s.Ref = ref
		return from(s)
	}
	locked := of(source.Helm, "^1.0")
	locked.Locked = true
	const want = "low source-unpinned application: "
	commit := strings.Repeat("0123456789", 4)
	check(t, map[string]expectation{
		"git, default branch": {git("", "HEAD"), []string{want + "https://example.com/x is read at its default branch"}},
		"git, branch":         {git("main", "refs/heads/main"), []string{want + "at branch main"}},
		"git, full name":      {git("refs/heads/main", "refs/heads/main"), []string{want + "at branch main"}},
		"git, tag":            {git("v1.2.3", "refs/tags/v1.2.3"), nil},
		"git, range":          {git("v1.*", "refs/tags/v1.2.3"), []string{want + "\"v1.*\", which is v1.2.3 now"}},
		"git, commit":         {git(commit, ""), nil},
		"git, locked branch":  {git("main", ""), nil},
		"chart, version":      {from(of(source.Helm, "1.2.3")), nil},
		"chart, v":            {from(of(source.Helm, "v1.2.3")), nil},
		"chart, part":         {from(of(source.Helm, "1.2")), []string{want + "at \"1.2\", which is 1.2.3 now"}},
		"chart, range":        {from(of(source.Helm, "^1.0")), []string{want + "at \"^1.0\""}},
		"chart, newest":       {from(of(source.Helm, "")), []string{want + "in its newest version"}},
		"chart, locked":       {from(locked), nil},
		"registry, version":   {from(of(source.OCI, "1.2.3")), nil},
		"registry, tag":       {from(of(source.OCI, "stable")), []string{want + "at \"stable\""}},
		"registry, digest":    {from(of(source.OCI, "sha256:"+strings.Repeat("ab", 32))), nil},
		"a directory":         {from(of(source.Directory, "")), nil},
		"nothing changes":     {situation{app: func(a *risk.Application) { a.Sources = []risk.Source{of(source.Helm, "")} }}, nil},
	})
}

func TestVarying(t *testing.T) {
	id := object.ID{Kind: "Secret", Namespace: "shop", Name: "auth"}
	with := func(v risk.Varying) situation {
		return situation{after: anything, app: func(a *risk.Application) { a.Varying = []risk.Varying{v} }}
	}
	check(t, map[string]expectation{
		"a value": {with(risk.Varying{Object: id, Paths: []string{"data.password"}, Origin: "templates/a.yaml"}), []string{"medium chart-not-deterministic Secret shop/auth: Rendered twice from templates/a.yaml"}},
		"a name":  {with(risk.Varying{Object: id, Origin: "templates/a.yaml"}), []string{"medium chart-not-deterministic Secret shop/auth: in one of the results only"}},
	})
}

func TestAccepted(t *testing.T) {
	base := situation{
		before: withPod("{containers: [{name: app, image: 'a:1@sha256:1'}]}"),
		after:  withPod("{hostNetwork: true, containers: [{name: app, image: 'a:1@sha256:1'}]}"),
	}
	for name, c := range map[string]struct {
		accept []risk.Acceptance
		want   map[string]string // the reason, by code
	}{
		"nothing":      {nil, nil},
		"a code":       {[]risk.Acceptance{{Code: "pods-restart", Reason: "fine", Range: "a:1,1"}}, map[string]string{"pods-restart": "fine"}},
		"by name":      {[]risk.Acceptance{{Code: "pods-restart", Reason: "fine", Kind: "Deploy*", Name: "w?b", Namespace: "{shop,store}"}}, map[string]string{"pods-restart": "fine"}},
		"another name": {[]risk.Acceptance{{Code: "pods-restart", Reason: "fine", Name: "api"}}, nil},
		"another kind": {[]risk.Acceptance{{Code: "pods-restart", Reason: "fine", Kind: "Daemon*"}}, nil},
		"both":         {[]risk.Acceptance{{Code: "pods-restart", Reason: "a"}, {Code: "pod-privileges", Reason: "b"}}, map[string]string{"pods-restart": "a", "pod-privileges": "b"}},
		"the last":     {[]risk.Acceptance{{Code: "pods-restart", Reason: "a"}, {Code: "pods-restart", Reason: "b"}}, map[string]string{"pods-restart": "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := base
			s.app = func(a *risk.Application) { a.Accepted = c.accept }
			risks, _ := s.assess(t)
			got := map[string]string{}
			for _, r := range risks {
				if r.Accepted != "" {
					got[r.Code] = r.Accepted
				} else if r.Range != "main.gantry.hcl:1,1" {
					t.Errorf("%s is at %q", r.Code, r.Range)
				}
			}
			if len(risks) != 2 || len(got) != len(c.want) {
				t.Errorf("%d risks, accepted %v, expected %v", len(risks), got, c.want)
			}
			for code, reason := range c.want {
				if got[code] != reason {
					t.Errorf("%s: %q, expected %q", code, got[code], reason)
				}
			}
		})
	}
}

func TestUnmatched(t *testing.T) {
	objects := []object.ID{{Group: "apps", Kind: "Deployment", Namespace: "shop", Name: "web"}}
	all := []risk.Acceptance{
		{Code: "pods-restart", Own: true},
		{Code: "pods-restart", Own: true, Name: "web"},
		{Code: "pods-restart", Own: true, Name: "wbe", Kind: "Deployment", Range: "main.gantry.hcl:7,3"},
		{Code: "pods-restart", Name: "of a profile"},
	}
	want := []string{`accept_risk "pods-restart" (main.gantry.hcl:7,3) is about objects that the application does not have: kind = "Deployment", name = "wbe".`}
	if diff := cmp.Diff(want, risk.Unmatched(all, objects)); diff != "" {
		t.Error(diff)
	}
}

// TestListsAreReadWhereTheyMatter: what brings nothing that a list could tell asks for
// none.
func TestListsAreReadWhereTheyMatter(t *testing.T) {
	web := serving("Deployment", "web", "web", "http")
	for name, c := range map[string]struct {
		situation
		want int
	}{
		"creations":        {situation{after: web + "---\n" + service("app: web", "http") + "---\n" + anything}, 0},
		"a label":          {situation{before: anything, after: strings.Replace(anything, "{name", "{labels: {a: b}, name", 1)}, 0},
		"an image":         {situation{before: web, after: strings.Replace(web, "a:1", "a:2", 1)}, 1},
		"an image offline": {situation{before: web, after: strings.Replace(web, "a:1", "a:2", 1), offline: true}, 0},
		"a workload goes":  {situation{before: web}, 1},
	} {
		if _, lists := c.assess(t); lists != c.want {
			t.Errorf("%s: %d lists, expected %d", name, lists, c.want)
		}
	}
}

func TestOrder(t *testing.T) {
	s := situation{
		before: workload("Deployment", v1, "replicas: 4") + "---\n" + strings.ReplaceAll(workload("Deployment", v1, "replicas: 4"), "name: web", "name: api"),
		after:  workload("Deployment", "nginx", "replicas: 0") + "---\n" + strings.ReplaceAll(workload("Deployment", "nginx", "replicas: 4"), "name: web", "name: api"),
		app: func(a *risk.Application) {
			a.Sources = []risk.Source{{Pin: source.Pin{Location: source.Location{Type: source.Helm}}}}
		},
	}
	for range 5 {
		risks, _ := s.assess(t)
		var got []string
		for _, r := range risks {
			name := "-"
			if r.Object != nil {
				name = r.Object.Name
			}
			got = append(got, fmt.Sprintf("%s %s %s", r.Severity, r.Code, name))
		}
		want := []string{"high replicas-zero web", "medium image-latest api", "medium image-latest web", "low pods-restart api", "low source-unpinned -"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	}
}
