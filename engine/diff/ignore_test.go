package diff_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

func TestCompileIgnoreErrors(t *testing.T) {
	for _, c := range []struct {
		rule lang.IgnoreDifference
		want string
	}{
		{lang.IgnoreDifference{JSONPointers: []string{"spec/replicas"}}, `JSON pointer "spec/replicas" must start with a slash, for example "/spec/replicas"`},
		{lang.IgnoreDifference{JSONPointers: []string{"/metadata/annotations/a~b"}}, `JSON pointer "/metadata/annotations/a~b": write "~0" for a tilde and "~1" for a slash`},
		{lang.IgnoreDifference{JQPathExpressions: []string{".spec["}}, `jq expression ".spec[" cannot be parsed`},
		{lang.IgnoreDifference{JQPathExpressions: []string{".spec | nosuch"}}, `jq expression ".spec | nosuch" cannot be compiled`},
		{lang.IgnoreDifference{Group: "["}, `group "[" is not a valid pattern`},
		{lang.IgnoreDifference{Kind: "["}, `kind "[" is not a valid pattern`},
	} {
		if _, err := diff.CompileIgnore(c.rule); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestMatches(t *testing.T) {
	web := object.ID{Group: "apps", Kind: "Deployment", Namespace: "web", Name: "web"}
	for _, c := range []struct {
		rule lang.IgnoreDifference
		want bool
	}{
		{lang.IgnoreDifference{Group: "apps", Kind: "Deployment"}, true},
		{lang.IgnoreDifference{Group: "*", Kind: "Deploy*", Name: "web", Namespace: "web"}, true},
		{lang.IgnoreDifference{Kind: "Deployment"}, false}, // the core group's
		{lang.IgnoreDifference{Group: "apps"}, true},
		{lang.IgnoreDifference{Group: "apps", Kind: "Deployment", Name: "w"}, false},
		{lang.IgnoreDifference{Group: "apps", Kind: "Deployment", Namespace: "other"}, false},
	} {
		rule, err := diff.CompileIgnore(c.rule)
		if err != nil {
			t.Fatal(err)
		}
		if got := rule.Matches(web); got != c.want {
			t.Errorf("%+v: %v", c.rule, got)
		}
	}
}

func release(t *testing.T, rule lang.IgnoreDifference, desired, live string) (object.Object, error) {
	t.Helper()
	rule.Group, rule.Kind = "*", "*"
	compiled, err := diff.CompileIgnore(rule)
	if err != nil {
		t.Fatal(err)
	}
	kind, _ := schemas().Type(apps)
	d := diff.New(manager, fingerprinter(t))
	return d.Release(t.Context(), []*diff.Ignore{compiled}, parse(t, desired), parse(t, live), kind)
}

func TestRelease(t *testing.T) {
	const desired = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, annotations: {a/b: "1", c~d: "2"}}, spec: {replicas: 1, template: {spec: {tolerations: [{key: a}, {key: b}, {key: c}], containers: [{name: b, image: x}, {name: a, image: y}]}}}}`
	const live = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, annotations: {z: "9"}}, spec: {}}`
	for name, c := range map[string]struct {
		rule lang.IgnoreDifference
		want string // what is left of metadata and spec
	}{
		"nothing": {lang.IgnoreDifference{JSONPointers: []string{"/spec/nosuch", "/spec/template/0", "/spec/template/spec/containers/9", "/metadata/name", "/kind"}, JQPathExpressions: []string{".spec.nosuch[] | .a", "error"}}, desired},
		"escapes": {
			lang.IgnoreDifference{JSONPointers: []string{"/metadata/annotations/a~1b", "/metadata/annotations/c~0d"}},
			`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 1, template: {spec: {tolerations: [{key: a}, {key: b}, {key: c}], containers: [{name: b, image: x}, {name: a, image: y}]}}}}`,
		},
		"items by place": {
			lang.IgnoreDifference{JSONPointers: []string{"/spec/template/spec/tolerations/0", "/spec/template/spec/tolerations/1"}},
			`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, annotations: {a/b: "1", c~d: "2"}}, spec: {replicas: 1, template: {spec: {tolerations: [{key: c}], containers: [{name: b, image: x}, {name: a, image: y}]}}}}`,
		},
		"jq": {
			lang.IgnoreDifference{JQPathExpressions: []string{`.spec.template.spec.containers[] | select(.name == "a")`, `.spec.replicas, .spec.template.spec.containers[0].name`}},
			`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, annotations: {a/b: "1", c~d: "2"}}, spec: {template: {spec: {tolerations: [{key: a}, {key: b}, {key: c}], containers: [{name: b, image: x}]}}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := release(t, c.rule, desired, live)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(parse(t, c.want), map[string]any(got)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	got, err := release(t, lang.IgnoreDifference{JSONPointers: []string{"/spec"}}, desired, "{}")
	if err != nil || got["spec"] != nil {
		t.Errorf("a whole subtree: %v, %v", got, err)
	}
}

func TestReleaseOfNothing(t *testing.T) {
	rule, err := diff.CompileIgnore(lang.IgnoreDifference{Group: "*", JSONPointers: []string{"/spec/replicas"}})
	if err != nil {
		t.Fatal(err)
	}
	desired := object.Object(parse(t, benchDeployment))
	got, err := diff.New(manager, fingerprinter(t)).Release(t.Context(), []*diff.Ignore{rule}, desired, nil, nil)
	if d := cmp.Diff(desired, got); d != "" || err != nil {
		t.Errorf("the first value must be the configuration's: %v\n%s", err, d)
	}
}

func TestReleaseTimeout(t *testing.T) {
	start := time.Now()
	_, err := release(t, lang.IgnoreDifference{JQPathExpressions: []string{"last(range(infinite)) as $x | .spec"}}, benchDeployment, "{}")
	if err == nil || !strings.Contains(err.Error(), "ran for more than 1s") {
		t.Errorf("got %v after %s", err, time.Since(start))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rule, err := diff.CompileIgnore(lang.IgnoreDifference{Group: "*", JQPathExpressions: []string{"last(range(infinite)) as $x | .spec"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = diff.New(manager, fingerprinter(t)).Release(ctx, []*diff.Ignore{rule}, parse(t, benchDeployment), object.Object{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestForcesReplace(t *testing.T) {
	cause := func(field, message string) providers.Cause { return providers.Cause{Field: field, Message: message} }
	for name, c := range map[string]struct {
		refusal *providers.InvalidError
		fields  []string
		ok      bool
	}{
		"nothing":  {},
		"selector": {&providers.InvalidError{Causes: []providers.Cause{cause("spec.selector", `Invalid value: {"matchLabels":{"app":"b"}}: field is immutable`)}}, []string{"spec.selector"}, true},
		"stateful set": {
			&providers.InvalidError{Causes: []providers.Cause{cause("spec", "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy' are forbidden")}},
			[]string{"spec"},
			true,
		},
		"claim":         {&providers.InvalidError{Causes: []providers.Cause{cause("spec", "Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims")}}, []string{"spec"}, true},
		"cluster ip":    {&providers.InvalidError{Causes: []providers.Cause{cause("spec.clusterIPs[0]", `Invalid value: ["10.0.0.2"]: may not change once set`)}}, []string{"spec.clusterIPs[0]"}, true},
		"role":          {&providers.InvalidError{Causes: []providers.Cause{cause("roleRef", "Invalid value: {}: cannot change roleRef")}}, []string{"roleRef"}, true},
		"storage class": {&providers.InvalidError{Causes: []providers.Cause{cause("provisioner", "Forbidden: updates to provisioner are forbidden.")}}, []string{"provisioner"}, true},
		"several, sorted": {
			&providers.InvalidError{Causes: []providers.Cause{cause("spec.template", "field is immutable"), cause("spec.selector", "field is immutable"), cause("spec.template", "field is immutable")}},
			[]string{"spec.selector", "spec.template"},
			true,
		},
		"something else too": {&providers.InvalidError{Causes: []providers.Cause{cause("spec.selector", "field is immutable"), cause("spec.replicas", "must be greater than or equal to 0")}}, nil, false},
		"only words":         {&providers.InvalidError{Message: `admission webhook "x" denied the request: size is immutable`}, nil, true},
		"other words":        {&providers.InvalidError{Message: "exceeded quota"}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			fields, ok := diff.ForcesReplace(c.refusal)
			if d := cmp.Diff(c.fields, fields); d != "" || ok != c.ok {
				t.Errorf("got %v %v, want %v %v", fields, ok, c.fields, c.ok)
			}
		})
	}
}

// TestReleaseKeepsWhatIsNotInTheSources: an ignored field that only we own stays even
// where desired lacks it, with all that it needs above it; others are not touched.
func TestReleaseKeepsWhatIsNotInTheSources(t *testing.T) {
	const live = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, annotations: {a: "1", b: "2", c: "3"}, managedFields: [
	  {manager: gantry, operation: Apply, apiVersion: apps/v1, fieldsV1: {"f:metadata": {"f:annotations": {"f:a": {}, "f:b": {}, "f:c": {}}}, "f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {'k:{"name":"side"}': {".": {}, "f:image": {}, "f:name": {}}}}}}}},
	  {manager: operator, operation: Update, apiVersion: apps/v1, fieldsV1: {"f:metadata": {"f:annotations": {"f:b": {}}}}}]},
	  spec: {replicas: 12, template: {spec: {containers: [{name: app, image: x}, {name: side, image: y}]}}}}`
	got, err := release(t, lang.IgnoreDifference{
		JSONPointers:      []string{"/metadata/annotations/a", "/metadata/annotations/b", "/spec/replicas"},
		JQPathExpressions: []string{`.spec.template.spec.containers[] | select(.name == "side")`},
	}, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {template: {spec: {containers: [{name: app, image: z}]}}}}`, live)
	if err != nil {
		t.Fatal(err)
	}
	want := parse(t, `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, annotations: {a: "1"}}, spec: {replicas: 12, template: {spec: {containers: [{name: app, image: z}, {name: side, image: y}]}}}}`)
	if compact(got) != compact(want) {
		t.Errorf("have %s\nwant %s", compact(got), compact(want))
	}
}
