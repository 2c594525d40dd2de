package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine/policy/admission"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// admitted is one policy, and objects that it is asked about. In the texts, NAME is a name
// of the case's own, which all of its objects have as the label "case".
type admitted struct {
	spec    string // of the policy
	binding string // of its binding; empty denies
	params  string // documents that are there
	objects []string
}

const (
	agreementPod = `{apiVersion: v1, kind: Pod, metadata: {name: NAME}, spec: {containers: [{name: app, image: "example.com/app:1"%s}]}}`
	agreementMap = `{apiVersion: v1, kind: ConfigMap, metadata: {name: NAME%s}, data: {a: "%s"}}`
	agreementApp = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: NAME}, spec: {%s selector: {matchLabels: {app: NAME}}, template: {metadata: {labels: {app: NAME}}, spec: {containers: [{name: app, image: "example.com/app:1"%s}]}}}}`
)

func judgedMaps(values ...string) []string {
	out := make([]string, len(values))
	for i, value := range values {
		out[i] = fmt.Sprintf(agreementMap, "", value)
	}
	return out
}

func judgedApps(specs ...string) []string {
	out := make([]string, len(specs))
	for i, spec := range specs {
		out[i] = fmt.Sprintf(agreementApp, spec, "")
	}
	return out
}

func judgedPods(containers ...string) []string {
	out := make([]string, len(containers))
	for i, more := range containers {
		out[i] = fmt.Sprintf(agreementPod, more)
	}
	return out
}

func agreements() map[string]admitted {
	const replicas = "validations:\n- {expression: object.spec.replicas <= 5, messageExpression: \"'replicas are ' + string(object.spec.replicas)\"}"
	return map[string]admitted{
		"replicas":             {spec: replicas, objects: judgedApps("replicas: 3,", "replicas: 9,", "")},
		"defaults":             {spec: "validations:\n- expression: object.spec.strategy.type == 'RollingUpdate' && object.spec.template.spec.containers.all(c, c.imagePullPolicy == 'IfNotPresent')", objects: append(judgedApps(""), fmt.Sprintf(agreementApp, "strategy: {type: Recreate},", ""), fmt.Sprintf(agreementApp, "", ", imagePullPolicy: Always"))},
		"images":               {spec: "validations:\n- {expression: \"object.spec.containers.all(c, c.image.startsWith('example.com/') && !c.image.endsWith(':latest'))\", message: wrong image}", objects: judgedPods("", `}, {name: two, image: "example.com/two:latest"`, `}, {name: two, image: "docker.io/two:1"`)},
		"optional fields":      {spec: "validations:\n- expression: \"!has(object.spec.hostNetwork) || !object.spec.hostNetwork\"\n- expression: \"object.spec.?securityContext.?runAsNonRoot.orValue(false) == true\"", objects: []string{fmt.Sprintf(agreementPod, ""), strings.Replace(fmt.Sprintf(agreementPod, ""), "spec: {", "spec: {hostNetwork: true, securityContext: {runAsNonRoot: true}, ", 1), strings.Replace(fmt.Sprintf(agreementPod, ""), "spec: {", "spec: {securityContext: {runAsNonRoot: true}, ", 1)}},
		"resources":            {spec: "validations:\n- expression: \"object.spec.containers.all(c, has(c.resources.limits) && quantity(c.resources.limits.memory).compareTo(quantity('1Gi')) <= 0)\"", objects: judgedPods(", resources: {limits: {memory: 512Mi}}", ", resources: {limits: {memory: 2Gi}}", "", ", resources: {limits: {cpu: 1}}")},
		"missing field":        {spec: "validations:\n- expression: object.data.b == 'x'", objects: judgedMaps("x")},
		"missing, ignored":     {spec: "failurePolicy: Ignore\nvalidations:\n- expression: object.data.b == 'x'", objects: judgedMaps("x")},
		"fails, then denies":   {spec: "failurePolicy: Ignore\nvalidations:\n- expression: object.data.b == 'x'\n- {expression: object.data.a == 'y', message: a is not y}", objects: judgedMaps("x", "y")},
		"variables":            {spec: "variables:\n- {name: a, expression: \"object.data.a.split(',')\"}\n- {name: odd, expression: \"variables.a.filter(x, x.matches('^[0-9]*[13579]$'))\"}\nvalidations:\n- {expression: size(variables.odd) == 0, messageExpression: \"'odd: ' + variables.odd.join(' ')\"}", objects: judgedMaps("2,4", "1,2,3")},
		"variable that fails":  {spec: "variables:\n- {name: b, expression: object.data.b}\nvalidations:\n- expression: \"object.data.a == 'x' || variables.b == 'y'\"", objects: judgedMaps("x", "y")},
		"conditions":           {spec: "matchConditions:\n- {name: tier, expression: \"object.metadata.?labels['tier'].orValue('') == 'front'\"}\nvalidations:\n- expression: object.data.a == 'x'", objects: []string{fmt.Sprintf(agreementMap, "", "y"), fmt.Sprintf(agreementMap, ", labels: {tier: front}", "y"), fmt.Sprintf(agreementMap, ", labels: {tier: front}", "x")}},
		"condition that fails": {spec: "matchConditions:\n- {name: tier, expression: \"object.metadata.annotations.none == 'front'\"}\nvalidations:\n- expression: 'true'", objects: judgedMaps("x")},
		"messages":             {spec: "validations:\n- {expression: object.data.a != 'one', message: ' in words '}\n- {expression: object.data.a != 'two', messageExpression: \"'line\\\\nline'\", message: fallback}\n- {expression: object.data.a != 'three', messageExpression: \"string(object.data.none)\", message: fallback}\n- {expression: object.data.a != 'four', messageExpression: \"'' + ''\"}", objects: judgedMaps("one", "two", "three", "four", "five")},
		"warns":                {spec: "validations:\n- expression: object.data.a == 'x'", binding: "validationActions: [Warn, Audit]", objects: judgedMaps("y")},
		"namespaces":           {spec: "validations:\n- expression: \"namespaceObject.metadata.labels.env == object.data.a && namespaceObject.metadata.name == request.namespace\"", objects: judgedMaps("test", "prod")},
		"request":              {spec: "validations:\n- expression: \"request.operation == 'CREATE' && request.resource.resource == 'configmaps' && request.kind.kind == 'ConfigMap' && request.name == object.metadata.name && request.subResource == '' && oldObject == null\"", objects: judgedMaps("x")},
		"parameters":           {spec: "paramKind: {apiVersion: v1, kind: ConfigMap}\nvalidations:\n- {expression: object.data.a in params.data.allowed.split(' '), messageExpression: \"'allowed: ' + params.data.allowed + ' by ' + params.kind\"}", binding: "validationActions: [Deny]\nparamRef: {name: NAME-params, parameterNotFoundAction: Deny}", params: "{apiVersion: v1, kind: ConfigMap, metadata: {name: NAME-params}, data: {allowed: x y}}", objects: judgedMaps("x", "z")},
		"by selector":          {spec: "paramKind: {apiVersion: v1, kind: ConfigMap}\nvalidations:\n- {expression: object.data.a in params.data.allowed.split(' '), messageExpression: \"'allowed: ' + params.data.allowed + ' by ' + params.metadata.name\"}", binding: "validationActions: [Deny]\nparamRef: {selector: {matchLabels: {of: NAME}}, parameterNotFoundAction: Deny}", params: "{apiVersion: v1, kind: ConfigMap, metadata: {name: NAME-one, labels: {of: NAME}}, data: {allowed: x y}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: NAME-two, labels: {of: NAME}}, data: {allowed: y z}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: NAME-three}, data: {allowed: none}}", objects: judgedMaps("x", "y", "z")},
		"by expressions":       {spec: "paramKind: {apiVersion: v1, kind: ConfigMap}\nvalidations:\n- {expression: object.data.a == params.data.allowed, messageExpression: \"'allowed: ' + params.data.allowed\"}", binding: "validationActions: [Deny]\nparamRef: {selector: {matchExpressions: [{key: NAME, operator: Exists}, {key: tier, operator: NotIn, values: [back]}]}, parameterNotFoundAction: Allow}", params: "{apiVersion: v1, kind: ConfigMap, metadata: {name: NAME-one, labels: {NAME: x, tier: front}}, data: {allowed: x}}\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: NAME-two, labels: {NAME: x, tier: back}}, data: {allowed: none}}", objects: judgedMaps("x", "y")},
		"selects nothing":      {spec: "paramKind: {apiVersion: v1, kind: ConfigMap}\nvalidations:\n- expression: object.data.a == params.data.none", binding: "validationActions: [Deny]\nparamRef: {selector: {matchLabels: {of: NAME-none}}, parameterNotFoundAction: Deny}", objects: judgedMaps("x")},
		"selects, or allows":   {spec: "paramKind: {apiVersion: v1, kind: ConfigMap}\nvalidations:\n- expression: object.data.a == params.data.none", binding: "validationActions: [Deny]\nparamRef: {selector: {matchLabels: {of: NAME-none}}, parameterNotFoundAction: Allow}", objects: judgedMaps("x")},
		"parameter not found":  {spec: "paramKind: {apiVersion: v1, kind: ConfigMap}\nvalidations:\n- expression: object.data.a == params.data.none", binding: "validationActions: [Deny]\nparamRef: {name: NAME-none, parameterNotFoundAction: Deny}", objects: judgedMaps("x")},
		"without a parameter":  {spec: "paramKind: {apiVersion: v1, kind: ConfigMap}\nvalidations:\n- expression: object.data.a == params.data.none", binding: "validationActions: [Deny]\nparamRef: {name: NAME-none, parameterNotFoundAction: Allow}", objects: judgedMaps("x")},
		"excluded":             {spec: "validations:\n- {expression: 'false', message: never}", binding: "validationActions: [Deny]\nmatchResources: {excludeResourceRules: [{apiGroups: [apps], apiVersions: ['*'], operations: ['*'], resources: [deployments]}]}", objects: append(judgedApps(""), judgedMaps("x")...)},
		"names":                {spec: "validations:\n- {expression: 'false', message: never}", binding: "validationActions: [Deny]\nmatchResources: {resourceRules: [{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'], resourceNames: [NAME]}]}", objects: []string{fmt.Sprintf(agreementMap, "", "x"), strings.Replace(fmt.Sprintf(agreementMap, "", "x"), "name: NAME", "name: NAME-other", 1)}},
		"costs too much":       {spec: "validations:\n- expression: \"'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'.split('').all(a, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'.split('').all(b, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'.split('').all(c, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'.split('').all(d, a + b + c + d == object.data.a))))\"", objects: judgedMaps("aaaa")},
		"libraries":            {spec: "validations:\n- expression: \"isIP(object.data.a) && cidr('10.0.0.0/8').containsIP(ip(object.data.a))\"\n- expression: \"object.data.a.find('[0-9]+') == '10' && sets.contains(['1','2'], ['2']) && isSemver('1.2.3')\"", objects: judgedMaps("10.1.2.3", "192.168.0.1", "none")},
	}
}

// What admission policies say of objects here, the API server says of them, word for word.
func TestAdmissionAgreesWithTheServer(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	ctx := t.Context()
	apply := func(o object.Object, dry bool) (object.Object, error) {
		resource, err := s.cluster.Resource(ctx, o.GVK())
		if err != nil {
			t.Fatal(err)
		}
		answer, err := s.cluster.Apply(ctx, providers.ApplyRequest{Resource: resource, Object: o, Manager: "agreement", Force: true, DryRun: dry})
		return answer.Object, err
	}
	must := func(o object.Object) object.Object {
		t.Helper()
		answer, err := apply(o, false)
		if err != nil {
			t.Fatalf("%s: %v", o.ID(), err)
		}
		return answer
	}
	// What the server fills in shows where no policy is asked.
	free := s.namespace + "-x"
	for _, name := range []string{s.namespace, free} {
		must(object.Object{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name, "labels": map[string]any{"env": "test"}}})
	}
	t.Cleanup(func() {
		_ = s.cluster.Delete(context.Background(), providers.DeleteRequest{Resource: namespaceResource, Name: free})
	})
	live, err := s.cluster.Get(ctx, namespaceResource, "", s.namespace)
	if err != nil {
		t.Fatal(err)
	}
	namespace, err := admission.NamespaceOf(live)
	if err != nil {
		t.Fatal(err)
	}
	type question struct {
		name string
		set  *admission.Set
		o    object.Object
		want []admission.Violation
	}
	var questions []question
	n := 0
	for name, test := range agreements() {
		n++
		own := fmt.Sprintf("%s-%d", s.namespace[:min(len(s.namespace), 40)], n)
		read := func(text string) object.Object { return s.object(t, strings.ReplaceAll(text, "NAME", own)) }
		if test.binding == "" {
			test.binding = "validationActions: [Deny]"
		}
		rule := read("apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: NAME}\nspec:\n  matchConstraints:\n    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: " + s.namespace + "}}\n    objectSelector: {matchLabels: {case: NAME}}\n    resourceRules: [{apiGroups: ['*'], apiVersions: ['*'], operations: [CREATE, UPDATE], resources: ['*']}]\n  " + strings.ReplaceAll(test.spec, "\n", "\n  "))
		delete(rule.Metadata(), "namespace")
		binding := read("apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicyBinding\nmetadata: {name: NAME}\nspec:\n  policyName: NAME\n  " + strings.ReplaceAll(test.binding, "\n", "\n  "))
		delete(binding.Metadata(), "namespace")
		all := []object.Object{must(rule), must(binding)}
		for _, o := range all {
			t.Cleanup(func() {
				resource, err := s.cluster.Resource(context.Background(), o.GVK())
				if err == nil {
					err = s.cluster.Delete(context.Background(), providers.DeleteRequest{Resource: resource, Name: o.Name()})
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		for _, text := range strings.Split(test.params, "\n---\n") {
			if text != "" {
				param := read(text)
				param.Metadata()["namespace"] = s.namespace
				all = append(all, must(param))
			}
		}
		set, err := admission.Compile(all)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, text := range test.objects {
			o := read(text)
			metadata := o.Metadata()
			labels, _ := metadata["labels"].(map[string]any)
			if labels == nil {
				labels = map[string]any{}
			}
			labels["case"] = own
			metadata["labels"], metadata["namespace"] = labels, free
			filled, err := apply(o, true)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, one := range []object.Object{o, filled} {
				one.Metadata()["namespace"] = s.namespace
			}
			resource, err := s.cluster.Resource(ctx, o.GVK())
			if err != nil {
				t.Fatal(err)
			}
			request := &admission.Request{Kind: o.GVK(), Resource: resource.Plural, Namespace: s.namespace, Name: o.Name(), Operation: admission.Create, Object: filled}
			questions = append(questions, question{
				name: fmt.Sprintf("%s, object %d", name, i), set: set, o: o,
				want: set.Judge(ctx, request, admission.Namespaces{s.namespace: namespace}, nil),
			})
		}
	}
	// Servers take a moment until they ask a new policy.
	differs := func(q *question) string {
		_, err := apply(q.o, true)
		var said string
		var invalid *providers.InvalidError
		if err != nil {
			if said = err.Error(); errors.As(err, &invalid) {
				said = invalid.Message
			}
		}
		denied := len(q.want) > 0 && q.want[0].Deny
		switch {
		case denied != (err != nil):
			return fmt.Sprintf("here %+v, the server: %v", q.want, err)
		case denied && !strings.Contains(said, strings.TrimSuffix(strings.TrimPrefix(q.want[0].Message, "The policy could not be evaluated: "), ".")):
			return fmt.Sprintf("here %q, the server: %s", q.want[0].Message, said)
		}
		return ""
	}
	deadline := time.Now().Add(time.Minute)
	for again := true; again && time.Now().Before(deadline); {
		again = false
		for i := range questions {
			again = again || differs(&questions[i]) != ""
		}
	}
	denied := 0
	for i := range questions {
		if why := differs(&questions[i]); why != "" {
			t.Errorf("%s: %s", questions[i].name, why)
		}
		if len(questions[i].want) > 0 && questions[i].want[0].Deny {
			denied++
		}
	}
	t.Logf("%d policies and %d objects, of which %d are denied", n, len(questions), denied)
	if denied < 20 || len(questions)-denied < 15 {
		t.Errorf("%d of %d objects are denied", denied, len(questions))
	}
}
