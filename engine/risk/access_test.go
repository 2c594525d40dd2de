package risk_test

import (
	"strings"
	"testing"

	"github.com/gantrycd/gantry/plan"
)

func role(kind string, rules ...string) string {
	text := "apiVersion: rbac.authorization.k8s.io/v1\nkind: " + kind + "\nmetadata: {name: r" + map[string]string{"Role": ", namespace: shop"}[kind] + "}\nrules:\n"
	for _, r := range rules {
		text += "- {" + r + "}\n"
	}
	return text
}

func TestRoles(t *testing.T) {
	const (
		read      = `apiGroups: [apps], resources: [deployments], verbs: [get, list]`
		write     = `apiGroups: [apps], resources: [deployments], verbs: [get, list, update]`
		all       = `apiGroups: ["*"], resources: ["*"], verbs: ["*"]`
		secrets   = `apiGroups: [""], resources: [secrets], verbs: [get]`
		oneSecret = `apiGroups: [""], resources: [secrets], verbs: [get], resourceNames: [tls]`
	)
	of := func(kind string, was, now []string) situation {
		s := situation{after: role(kind, now...)}
		if was != nil {
			s.before = role(kind, was...)
		}
		return s
	}
	const cr, rl = "ClusterRole.rbac.authorization.k8s.io r: ", "Role.rbac.authorization.k8s.io shop/r: "
	check(t, map[string]expectation{
		"new":               {of("ClusterRole", nil, []string{read}), nil},
		"a verb more":       {of("Role", []string{read}, []string{write}), []string{"low rbac-widened " + rl + "now also permits update on deployments.apps"}},
		"a verb less":       {of("Role", []string{write}, []string{read}), nil},
		"in two rules":      {of("Role", []string{write}, []string{read, `apiGroups: [apps], resources: [deployments], verbs: [update]`}), nil},
		"by names now":      {of("Role", []string{secrets}, []string{oneSecret}), nil},
		"no longer by name": {of("Role", []string{oneSecret}, []string{secrets}), []string{"medium rbac-widened " + rl + "get on secrets … read the value of every Secret"}},
		"everything":        {of("ClusterRole", nil, []string{all}), []string{"high rbac-widened " + cr + "is new and permits * on * of all API groups … That is everything"}},
		"had everything":    {of("ClusterRole", []string{all}, []string{all, secrets}), nil},
		"secrets":           {of("ClusterRole", nil, []string{read, secrets}), []string{"medium rbac-widened " + cr + "get on secrets"}},
		"one secret":        {of("Role", nil, []string{oneSecret}), nil},
		"escalate":          {of("ClusterRole", nil, []string{`apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: [escalate]`}), []string{"high rbac-widened " + cr + "give itself every permission"}},
		"impersonate":       {of("ClusterRole", nil, []string{`apiGroups: [""], resources: [users, groups], verbs: [impersonate]`}), []string{"high rbac-widened " + cr + "act as others"}},
		"exec":              {of("Role", nil, []string{`apiGroups: [""], resources: [pods/exec], verbs: [create]`}), []string{"medium rbac-widened " + rl + "run in pods"}},
		"tokens":            {of("Role", nil, []string{`apiGroups: [""], resources: [serviceaccounts/token], verbs: [create]`}), []string{"medium rbac-widened " + rl + "tokens of service accounts"}},
		"proxy":             {of("ClusterRole", nil, []string{`apiGroups: [""], resources: [nodes/proxy], verbs: [get]`}), []string{"high rbac-widened " + cr + "in every pod of a node"}},
		"all of a group":    {of("ClusterRole", nil, []string{`apiGroups: [apps], resources: ["*"], verbs: [get]`}), []string{"medium rbac-widened " + cr + "*.apps … those to come included"}},
		"every verb":        {of("ClusterRole", nil, []string{`apiGroups: [apps], resources: [deployments], verbs: ["*"]`}), []string{"medium rbac-widened " + cr + "every verb"}},
		"a URL more":        {of("ClusterRole", []string{`nonResourceURLs: [/healthz], verbs: [get]`}, []string{`nonResourceURLs: [/healthz, /metrics], verbs: [get]`}), []string{"low rbac-widened " + cr + "get on /healthz and /metrics"}},
		"a URL it reached":  {of("ClusterRole", []string{`nonResourceURLs: ["/healthz/*"], verbs: [get]`}, []string{`nonResourceURLs: ["/healthz/*", /healthz/x], verbs: [get]`}), nil},
		"aggregated":        {situation{after: "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\naggregationRule: {}\nrules: [{" + all + "}]\n"}, nil},
		"goes":              {situation{before: role("ClusterRole", all)}, nil},
		"only labels":       {situation{before: role("Role", write), after: strings.Replace(role("Role", write), "{name: r,", "{name: r, labels: {a: b},", 1)}, nil},
	})
}

func TestBindings(t *testing.T) {
	binding := func(kind, role string, subjects ...string) string {
		return "apiVersion: rbac.authorization.k8s.io/v1\nkind: " + kind + "\nmetadata: {name: b" + map[string]string{"RoleBinding": ", namespace: shop"}[kind] +
			"}\nroleRef: {kind: ClusterRole, name: " + role + "}\nsubjects: [" + strings.Join(subjects, ", ") + "]\n"
	}
	const (
		web, api    = "{kind: ServiceAccount, name: web, namespace: shop}", "{kind: ServiceAccount, name: api, namespace: shop}"
		everyone    = "{kind: Group, name: 'system:authenticated'}"
		crb, rb     = "ClusterRoleBinding.rbac.authorization.k8s.io b: ", "RoleBinding.rbac.authorization.k8s.io shop/b: "
		admin, view = "cluster-admin", "view"
	)
	check(t, map[string]expectation{
		"new":                     {situation{after: binding("ClusterRoleBinding", view, web)}, nil},
		"another subject":         {situation{before: binding("ClusterRoleBinding", view, web), after: binding("ClusterRoleBinding", view, web, api)}, []string{"medium rbac-subjects " + crb + "ClusterRole view to ServiceAccount shop/api, in the whole cluster"}},
		"one less":                {situation{before: binding("ClusterRoleBinding", view, web, api), after: binding("ClusterRoleBinding", view, api)}, nil},
		"to cluster-admin":        {situation{after: binding("ClusterRoleBinding", admin, web)}, []string{"high rbac-subjects " + crb + "every permission"}},
		"to admin of a namespace": {situation{after: binding("RoleBinding", admin, web)}, []string{"medium rbac-subjects " + rb + "in namespace shop"}},
		"to everyone":             {situation{after: binding("RoleBinding", view, everyone)}, []string{"high rbac-subjects " + rb + "system:authenticated is everyone"}},
		"another role":            {situation{before: binding("RoleBinding", view, web), after: binding("RoleBinding", "edit", web), change: func(c *plan.Change) { c.Action = plan.Replace }}, []string{"medium rbac-subjects " + rb + "gives ClusterRole edit … Before, it gave ClusterRole view", "low object-replaced " + rb}},
	})
}

func TestServiceAccounts(t *testing.T) {
	account := func(more string) string {
		return "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web, namespace: shop}\n" + more
	}
	const no, yes = "automountServiceAccountToken: false\n", "automountServiceAccountToken: true\n"
	check(t, map[string]expectation{
		"from now on": {situation{before: account(no), after: account(yes)}, []string{"low service-account-token ServiceAccount shop/web: token"}},
		"as default":  {situation{before: account(no), after: account("")}, []string{"low service-account-token ServiceAccount shop/web: "}},
		"no longer":   {situation{before: account(yes), after: account(no)}, nil},
		"as before":   {situation{before: account(""), after: account(yes)}, nil},
		"new":         {situation{after: account("")}, nil},
	})
}

func TestWebhooks(t *testing.T) {
	hook := func(policy, rule, more string) string {
		return "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: w}\nwebhooks: [{name: a.example.com" + policy + ", rules: [{" + rule + "}]" + more + "}]\n"
	}
	const (
		pods, widgets = `apiGroups: [""], resources: [pods], operations: [CREATE]`, `apiGroups: [example.com], resources: [widgets], operations: [CREATE, UPDATE]`
		fail, ignore  = ", failurePolicy: Fail", ", failurePolicy: Ignore"
		w             = "ValidatingWebhookConfiguration.admissionregistration.k8s.io w: "
	)
	check(t, map[string]expectation{
		"of pods":                  {situation{after: hook(fail, pods, "")}, []string{"high webhook-fails-closed " + w + "a.example.com does not answer, nobody can create pods"}},
		"of pods somewhere":        {situation{after: hook(fail, pods, ", namespaceSelector: {matchLabels: {a: b}}")}, []string{"medium webhook-fails-closed " + w}},
		"of anything":              {situation{after: hook(fail, `apiGroups: ["*"], resources: ["*"], operations: ["*"]`, "")}, []string{"high webhook-fails-closed " + w + "create, update, delete anything"}},
		"of something, as default": {situation{after: hook("", widgets, "")}, []string{"medium webhook-fails-closed " + w + "create, update widgets"}},
		"open":                     {situation{after: hook(ignore, pods, "")}, nil},
		"closed from now on":       {situation{before: hook(ignore, pods, ""), after: hook(fail, pods, "")}, []string{"high webhook-fails-closed " + w}},
		"closed before":            {situation{before: hook(fail, widgets, ""), after: hook(fail, pods, "")}, nil},
		"open from now on":         {situation{before: hook(fail, pods, ""), after: hook(ignore, pods, "")}, nil},
		"goes":                     {situation{before: hook(fail, pods, "")}, nil},
	})
}
