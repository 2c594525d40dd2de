package admission_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/engine/policy/admission"
	"github.com/gantrycd/gantry/plan/object"
)

// objects reads YAML documents.
func objects(t testing.TB, text string) []object.Object {
	t.Helper()
	var out []object.Object
	for _, part := range strings.Split(text, "\n---\n") {
		var o object.Object
		if err := yaml.Unmarshal([]byte(part), &o); err != nil {
			t.Fatalf("%s: %v", part, err)
		}
		if o != nil {
			out = append(out, numbers(o).(map[string]any))
		}
	}
	return out
}

// numbers makes whole numbers int64, as objects have them.
func numbers(v any) any {
	switch v := v.(type) {
	case object.Object:
		return numbers(map[string]any(v))
	case map[string]any:
		for key, inner := range v {
			v[key] = numbers(inner)
		}
	case []any:
		for i, inner := range v {
			v[i] = numbers(inner)
		}
	case float64:
		if v == float64(int64(v)) {
			return int64(v)
		}
	}
	return v
}

// one is a policy for ConfigMaps with its binding; spec is more of the policy, and bind
// more of the binding.
func one(spec, bind string) string {
	return `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: rule}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE, DELETE], resources: [configmaps]}
` + indent(spec) + `
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: everywhere}
spec:
  policyName: rule
` + indent(bind)
}

func indent(text string) string {
	text = strings.Trim(text, "\n")
	if text == "" {
		return ""
	}
	return "  " + strings.ReplaceAll(text, "\n", "\n  ")
}

const deny = "validationActions: [Deny]"

func configMap(t testing.TB, data string) *admission.Request {
	o := objects(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: web, labels: {tier: front}}\ndata: "+data)[0]
	return &admission.Request{
		Kind: object.GVK{Version: "v1", Kind: "ConfigMap"}, Resource: "configmaps", Namespace: "web", Name: "settings", Operation: admission.Create, Object: o,
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const simple = "validations:\n- expression: object.data.a == 'b'\n  message: a must be b"
	for name, test := range map[string]struct {
		spec, bind, more string
		change           func(*admission.Request)
		want             []string // "deny" or "tell", "failed", and a part of the message
	}{
		"holds":                             {spec: "validations:\n- expression: object.data.a == 'c'", bind: deny},
		"message":                           {spec: simple, bind: deny, want: []string{"deny rule/everywhere: a must be b"}},
		"the expression":                    {spec: "validations:\n- expression: \" object.data.a == 'b' \"", bind: deny, want: []string{"deny rule/everywhere: failed expression: object.data.a == 'b'"}},
		"messageExpression":                 {spec: simple + "\n  messageExpression: '\"not \" + object.data.a'", bind: deny, want: []string{"deny rule/everywhere: not c"}},
		"messageExpression that fails":      {spec: simple + "\n  messageExpression: 'string(object.data.none)'", bind: deny, want: []string{"deny rule/everywhere: a must be b"}},
		"messageExpression of two lines":    {spec: simple + "\n  messageExpression: \"'one\\\\ntwo'\"", bind: deny, want: []string{"deny rule/everywhere: a must be b"}},
		"warns":                             {spec: simple, bind: "validationActions: [Warn]", want: []string{"tell rule/everywhere: a must be b"}},
		"audits":                            {spec: simple, bind: "validationActions: [Audit]", want: []string{"tell rule/everywhere: a must be b"}},
		"fails":                             {spec: "validations:\n- expression: object.data.none == 'b'", bind: deny, want: []string{"deny failed rule/everywhere: The policy could not be evaluated: expression 'object.data.none == 'b'' resulted in error: no such key: none."}},
		"fails and is ignored":              {spec: "failurePolicy: Ignore\nvalidations:\n- expression: object.data.none == 'b'", bind: deny, want: []string{"tell failed rule/everywhere: The policy could not be evaluated"}},
		"all validations":                   {spec: simple + "\n- expression: 'false'\n  message: never", bind: deny, want: []string{"deny rule/everywhere: a must be b", "deny rule/everywhere: never"}},
		"variables":                         {spec: "variables:\n- {name: a, expression: object.data.a}\n- {name: twice, expression: variables.a + variables.a}\nvalidations:\n- expression: variables.twice == 'dd'\n  messageExpression: \"'twice is ' + variables.twice\"", bind: deny, want: []string{"deny rule/everywhere: twice is cc"}},
		"a condition is false":              {spec: "matchConditions:\n- {name: tier, expression: \"object.metadata.labels.tier == 'back'\"}\n" + simple, bind: deny},
		"a condition fails":                 {spec: "matchConditions:\n- {name: tier, expression: \"object.metadata.labels.none == 'back'\"}\n" + simple, bind: deny, want: []string{"deny failed rule/everywhere: The policy could not be evaluated"}},
		"one condition is false, one fails": {spec: "matchConditions:\n- {name: fails, expression: \"object.metadata.labels.none == 'back'\"}\n- {name: never, expression: 'false'}\n" + simple, bind: deny},
		"deleted":                           {spec: "validations:\n- expression: request.operation != 'DELETE' && object != null", bind: deny, change: func(r *admission.Request) { r.Operation, r.Old, r.Object = admission.Delete, r.Object, nil }, want: []string{"deny rule/everywhere: failed expression"}},
		"updated": {spec: "validations:\n- expression: object.data.a == oldObject.data.a", bind: deny, change: func(r *admission.Request) {
			r.Operation, r.Old = admission.Update, r.Object.DeepCopy()
			r.Old["data"] = map[string]any{"a": "before"}
		}, want: []string{"deny rule/everywhere: failed expression"}},
		"request":                        {spec: "validations:\n- expression: \"request.namespace == 'web' && request.name == 'settings' && request.operation == 'CREATE' && request.resource.resource == 'configmaps' && request.kind.kind == 'ConfigMap'\"", bind: deny},
		"the namespace":                  {spec: "validations:\n- expression: \"namespaceObject.metadata.labels.env == 'prod'\"", bind: deny, want: []string{"deny rule/everywhere: failed expression"}},
		"namespaceSelector":              {spec: simple, bind: deny + "\nmatchResources: {namespaceSelector: {matchLabels: {env: prod}}}"},
		"namespaceSelector that matches": {spec: simple, bind: deny + "\nmatchResources: {namespaceSelector: {matchLabels: {env: test}}}", want: []string{"deny rule/everywhere: a must be b"}},
		"namespace that nobody knows":    {spec: simple, bind: deny + "\nmatchResources: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}}", change: func(r *admission.Request) { r.Namespace = "other" }, want: []string{"deny rule/everywhere: a must be b"}},
		"objectSelector":                 {spec: simple, bind: deny + "\nmatchResources: {objectSelector: {matchLabels: {tier: back}}}"},
		"objectSelector of the old object": {spec: simple, bind: deny + "\nmatchResources: {objectSelector: {matchLabels: {tier: back}}}", change: func(r *admission.Request) {
			r.Operation, r.Old = admission.Update, r.Object.DeepCopy()
			r.Old.Metadata()["labels"] = map[string]any{"tier": "back"}
		}, want: []string{"deny rule/everywhere: a must be b"}},
		"resourceNames":                            {spec: simple, bind: deny + "\nmatchResources: {resourceRules: [{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*'], resourceNames: [other]}]}"},
		"excluded":                                 {spec: simple, bind: deny + "\nmatchResources: {excludeResourceRules: [{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['configmaps']}]}"},
		"scope":                                    {spec: simple, bind: deny + "\nmatchResources: {resourceRules: [{scope: Cluster, apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*']}]}"},
		"another version":                          {spec: simple, bind: deny + "\nmatchResources: {resourceRules: [{apiGroups: [''], apiVersions: [v2], operations: ['*'], resources: [configmaps]}]}", want: []string{"deny failed rule/everywhere: The policy cannot be evaluated on this machine, so that it denies: it is asked about configmaps in v2"}},
		"another version, exactly":                 {spec: simple, bind: deny + "\nmatchResources: {matchPolicy: Exact, resourceRules: [{apiGroups: [''], apiVersions: [v2], operations: ['*'], resources: [configmaps]}]}"},
		"authorizer":                               {spec: "failurePolicy: Ignore\nvalidations:\n- expression: \"authorizer.group('').resource('configmaps').check('delete').allowed()\"", bind: deny, want: []string{"deny failed rule/everywhere: The policy cannot be evaluated on this machine, so that it denies: it uses authorizer, which only the server can answer."}},
		"who asks":                                 {spec: "validations:\n- expression: \"request.userInfo.username != 'nobody'\"", bind: deny, want: []string{"deny failed rule/everywhere: The policy cannot be evaluated on this machine, so that it denies: it uses request.userInfo"}},
		"who asks, from the root":                  {spec: "validations:\n- expression: \".request.userInfo.username != 'nobody'\"", bind: deny, want: []string{"deny failed rule/everywhere: The policy cannot be evaluated on this machine, so that it denies: it uses request.userInfo"}},
		"who asks, by a copy":                      {spec: "validations:\n- expression: \"dyn(request).userInfo.username != 'nobody'\"", bind: deny, want: []string{"deny failed rule/everywhere: The policy cannot be evaluated on this machine, so that it denies: it uses request.userInfo, or request as a whole"}},
		"who asks, by a variable":                  {spec: "variables:\n- {name: r, expression: request}\nvalidations:\n- expression: \"variables.r.userInfo.username != 'nobody'\"", bind: deny, want: []string{"deny failed rule/everywhere: The policy cannot be evaluated on this machine, so that it denies: it uses request.userInfo, or request as a whole"}},
		"authorizer, from the root":                {spec: "validations:\n- expression: \".authorizer.group('').resource('configmaps').check('delete').allowed()\"", bind: deny, want: []string{"deny failed rule/everywhere: The policy cannot be evaluated on this machine, so that it denies: it uses authorizer"}},
		"the namespace, from the root":             {spec: "validations:\n- expression: \".namespaceObject.metadata.labels.env == 'test'\"", bind: deny},
		"authorizer in a text":                     {spec: "validations:\n- expression: \"'authorizer' != object.data.a\"", bind: deny},
		"parameter":                                {spec: "paramKind: {apiVersion: v1, kind: ConfigMap}\nvalidations:\n- expression: object.data.a == params.data.wanted\n  messageExpression: \"'wanted is ' + params.data.wanted\"", bind: deny + "\nparamRef: {name: limits, namespace: rules, parameterNotFoundAction: Deny}", want: []string{"deny rule/everywhere: wanted is x"}},
		"parameters by selector":                   {spec: "paramKind: {apiVersion: v1, kind: ConfigMap}\nvalidations:\n- expression: object.data.a == params.data.wanted\n  messageExpression: \"'wanted is ' + params.data.wanted\"", bind: deny + "\nparamRef: {selector: {matchLabels: {for: web}}, namespace: rules, parameterNotFoundAction: Deny}", want: []string{"deny rule/everywhere: wanted is x", "deny rule/everywhere: wanted is y"}},
		"no parameter":                             {spec: "paramKind: {apiVersion: v1, kind: ConfigMap}\nvalidations:\n- expression: object.data.a == params.data.wanted", bind: deny + "\nparamRef: {name: none, namespace: rules, parameterNotFoundAction: Deny}", want: []string{"deny failed rule/everywhere: The policy could not be evaluated: no params found"}},
		"no parameter, which is allowed":           {spec: "paramKind: {apiVersion: v1, kind: ConfigMap}\nvalidations:\n- expression: object.data.a == params.data.wanted", bind: deny + "\nparamRef: {name: none, namespace: rules, parameterNotFoundAction: Allow}"},
		"parameter in the namespace of the object": {spec: "paramKind: {apiVersion: v1, kind: ConfigMap}\nvalidations:\n- expression: object.data.a == params.data.wanted\n  messageExpression: \"'wanted is ' + params.data.wanted\"", bind: deny + "\nparamRef: {name: limits, parameterNotFoundAction: Deny}", want: []string{"deny rule/everywhere: wanted is z"}},
		"costs too much":                           {spec: "validations:\n- expression: \"[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, [1,2,3,4,5,6,7,8,9].all(d, [1,2,3,4,5,6,7,8,9].all(e, [1,2,3,4,5,6,7,8,9].all(f, [1,2,3,4,5,6,7,8,9].all(g, [1,2,3,4,5,6,7,8,9].all(h, a + b + c + d + e + f + g + h > 0))))))))\"", bind: deny, want: []string{"deny failed rule/everywhere: The policy could not be evaluated"}},
		"another kind":                             {spec: simple, bind: deny, change: func(r *admission.Request) { r.Kind.Kind, r.Resource = "Secret", "secrets" }},
		"another operation":                        {spec: simple, bind: deny, change: func(r *admission.Request) { r.Operation = "CONNECT" }},
		"an annotation fails":                      {spec: simple + "\nauditAnnotations:\n- {key: none, valueExpression: string(object.data.none)}", bind: "validationActions: [Warn]", want: []string{"deny failed rule/everywhere", "tell rule/everywhere: a must be b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			params := "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits, namespace: rules, labels: {for: web}}\ndata: {wanted: x}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: more, namespace: rules, labels: {for: web}}\ndata: {wanted: 'y'}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits, namespace: web}\ndata: {wanted: z}"
			set, err := admission.Compile(objects(t, one(test.spec, test.bind)+params+test.more))
			if err != nil {
				t.Fatal(err)
			}
			namespace, err := admission.NamespaceOf(objects(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: web, labels: {env: test}}")[0])
			if err != nil {
				t.Fatal(err)
			}
			r := configMap(t, "{a: c}")
			if test.change != nil {
				test.change(r)
			}
			found := set.Judge(t.Context(), r, admission.Namespaces{"web": namespace}, nil)
			if len(found) != len(test.want) {
				t.Fatalf("got %+v, want %q", found, test.want)
			}
			for i, v := range found {
				text := "tell "
				if v.Deny {
					text = "deny "
				}
				if v.Failed {
					text += "failed "
				}
				if text += v.Policy + "/" + v.Binding + ": " + v.Message; !strings.HasPrefix(text, test.want[i]) {
					t.Errorf("got  %s\nwant %s", text, test.want[i])
				}
			}
		})
	}
}

// What an API server refuses to have as a policy is an error here, with all that is wrong.
func TestCompileErrors(t *testing.T) {
	t.Parallel()
	const valid = "validations:\n- expression: 'true'"
	for name, test := range map[string]struct{ text, want string }{
		"expression":          {one("validations:\n- expression: object.", deny), "spec.validations[0].expression: compilation failed"},
		"not a condition":     {one("validations:\n- expression: \"'x'\"", deny), "must evaluate to bool"},
		"messageExpression":   {one("validations:\n- expression: 'true'\n  messageExpression: '1'", deny), "spec.validations[0].messageExpression: must evaluate to string but got int"},
		"variable":            {one("variables:\n- {name: x, expression: 'y +'}\n"+valid, deny), "spec.variables[0] (x): compilation failed"},
		"condition":           {one("matchConditions:\n- {name: x, expression: nothing}\n"+valid, deny), "undeclared reference to 'nothing'"},
		"params":              {one("validations:\n- expression: params.x == 1", deny), "undeclared reference to 'params'"},
		"nothing to hold":     {one("", deny), "it has neither validations nor auditAnnotations"},
		"mistyped":            {one("validation: []\n"+valid, deny), `unknown field "spec.validation"`},
		"failurePolicy":       {one("failurePolicy: Maybe\n"+valid, deny), `spec.failurePolicy "Maybe" is neither Fail nor Ignore`},
		"no actions":          {one(valid, ""), "spec.validationActions is empty"},
		"action":              {one(valid, "validationActions: [Refuse]"), `spec.validationActions has "Refuse"`},
		"paramRef":            {one(valid, deny+"\nparamRef: {name: x, parameterNotFoundAction: Deny}"), `the policy "rule" has no paramKind`},
		"paramRef of nothing": {one("paramKind: {apiVersion: v1, kind: ConfigMap}\n"+valid, deny+"\nparamRef: {parameterNotFoundAction: Deny}"), "spec.paramRef needs either a name or a selector"},
		"not found":           {one("paramKind: {apiVersion: v1, kind: ConfigMap}\n"+valid, deny+"\nparamRef: {name: x}"), "parameterNotFoundAction must be Allow or Deny"},
		"selector":            {one(valid, deny+"\nmatchResources: {objectSelector: {matchExpressions: [{key: a, operator: Near}]}}"), "spec.matchResources.objectSelector"},
		"matchPolicy":         {one(valid, deny+"\nmatchResources: {matchPolicy: Nearly}"), `matchPolicy "Nearly" is neither Exact nor Equivalent`},
		"rule":                {one(valid, deny+"\nmatchResources: {resourceRules: [{resources: [x]}]}"), "spec.matchResources.resourceRules[0] needs apiGroups"},
		"no binding":          {strings.Split(one(valid, deny), "\n---\n")[0], `no binding among the objects names it`},
		"no policy":           {strings.Split(one(valid, deny), "\n---\n")[1], `spec.policyName is "rule", and there is no such policy`},
		"two of a name":       {one(valid, deny) + "\n---\n" + one(valid, deny), "there are two of that name"},
		"version":             {strings.ReplaceAll(one(valid, deny), "k8s.io/v1", "k8s.io/v1alpha1"), `the version "v1alpha1" is none of v1 and v1beta1`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := admission.Compile(objects(t, test.text))
			if err == nil || set != nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// A policy of a cluster that cannot be compiled here denies what it matches, unless it
// says that failures do not count.
func TestLivePoliciesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for failurePolicy, denies := range map[string]bool{"Fail": true, "Ignore": false} {
		set := admission.CompileLive(objects(t, one("failurePolicy: "+failurePolicy+"\nvalidations:\n- expression: object.newest()", deny)))
		found := set.Judge(t.Context(), configMap(t, "{}"), nil, nil)
		if len(found) != 1 || found[0].Deny != denies || !found[0].Failed {
			t.Errorf("%s: got %+v", failurePolicy, found)
		}
	}
	// What others have bound is theirs.
	set := admission.CompileLive(objects(t, strings.Split(one("validations:\n- expression: 'false'", deny), "\n---\n")[0]))
	if found := set.Judge(t.Context(), configMap(t, "{}"), nil, nil); found != nil {
		t.Errorf("without a binding: %+v", found)
	}
}

// Admission policies are never asked about admission policies.
func TestExempt(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(strings.ReplaceAll(one("validations:\n- expression: 'false'", deny), `apiGroups: [""]`, `apiGroups: ["*"]`), "resources: [configmaps]", `resources: ["*"]`)
	set, err := admission.Compile(objects(t, text))
	if err != nil {
		t.Fatal(err)
	}
	r := configMap(t, "{}")
	r.Kind, r.Resource, r.Namespace = object.GVK{Group: admission.Group, Version: "v1", Kind: admission.PolicyKind}, "validatingadmissionpolicies", ""
	if found := set.Judge(t.Context(), r, nil, nil); found != nil {
		t.Errorf("got %+v", found)
	}
	if found := set.Judge(t.Context(), configMap(t, "{}"), nil, nil); len(found) != 1 {
		t.Errorf("got %+v", found)
	}
}

// Judging ends with its context.
func TestCancelled(t *testing.T) {
	t.Parallel()
	set, err := admission.Compile(objects(t, one("validations:\n- expression: \"['a','b','c'].all(x, x != object.data.a)\"", deny)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = set.Judge(ctx, configMap(t, "{a: d}"), nil, nil) // whatever it says, it comes back
	if diff := cmp.Diff([]string{"rule"}, set.Policies()); diff != "" {
		t.Error(diff)
	}
}
