package risk_test

import (
	"fmt"
	"strings"
	"testing"
)

func service(selector, port string) string {
	return "apiVersion: v1\nkind: Service\nmetadata: {name: front, namespace: shop}\nspec: {selector: {" + selector + "}, ports: [{port: 80, targetPort: " + port + "}]}\n"
}

// serving is a workload with labels on its pods, and a port.
func serving(kind, name, label, port string) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: %s
metadata: {name: %s, namespace: shop}
spec:
  replicas: 4
  template:
    metadata: {labels: {app: %s}}
    spec: {containers: [{name: app, image: 'a:1', ports: [{name: %s, containerPort: 8080}]}]}
`, kind, name, label, port)
}

func TestServices(t *testing.T) {
	web, front := serving("Deployment", "web", "web", "http"), service("app: web", "8080")
	pod := func(owner string) string {
		return "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop, labels: {app: web}" + owner + "}\nspec: {}\n"
	}
	check(t, map[string]expectation{
		"its workload goes":                   {situation{before: web, others: front}, []string{"high service-without-endpoints Service shop/front: app=web … Deployment.apps shop/web … is deleted"}},
		"both go":                             {situation{before: web + "---\n" + front}, nil},
		"another workload has the label":      {situation{before: web, others: front + "---\n" + serving("StatefulSet", "web2", "web", "http")}, nil},
		"another takes its place":             {situation{before: web, after: serving("Deployment", "web2", "web", "http"), others: front}, nil},
		"labels change":                       {situation{before: web, after: serving("Deployment", "web", "api", "http"), others: front}, []string{"high service-without-endpoints Service shop/front: The labels of the pods of Deployment.apps shop/web change", "low pods-restart Deployment.apps shop/web: "}},
		"labels change, so does the selector": {situation{before: web + "---\n" + front, after: serving("Deployment", "web", "api", "http") + "---\n" + service("app: api", "8080")}, []string{"low pods-restart Deployment.apps shop/web: "}},
		"the selector changes":                {situation{before: front, after: service("app: wbe", "8080"), others: web}, []string{"high service-without-endpoints Service shop/front: app=wbe … Its selector changes"}},
		"the selector meets others":           {situation{before: front, after: service("app: api", "8080"), others: web + "---\n" + serving("DaemonSet", "api", "api", "http")}, nil},
		"to no replicas":                      {situation{before: web, after: strings.Replace(web, "replicas: 4", "replicas: 0", 1), others: front}, []string{"high replicas-zero Deployment.apps shop/web: ", "high service-without-endpoints Service shop/front: goes to no replicas"}},
		"a Service of others' pods":           {situation{before: web, others: service("app: api", "8080")}, nil},
		"no selector":                         {situation{before: web, others: service("", "8080")}, nil},
		"a pod of its own":                    {situation{before: web, others: front + pod("")}, nil},
		"a pod of the workload":               {situation{before: web, others: front + pod(", ownerReferences: [{kind: ReplicaSet, name: web-1, controller: true}]")}, []string{"high service-without-endpoints Service shop/front: "}},
		"a ReplicaSet of the workload":        {situation{before: web, others: front + "---\n" + strings.Replace(serving("ReplicaSet", "web-1", "web", "http"), "namespace: shop", "namespace: shop, ownerReferences: [{kind: Deployment, name: web, controller: true}]", 1)}, []string{"high service-without-endpoints Service shop/front: "}},
		"a ReplicaSet of something else":      {situation{before: web, others: front + "---\n" + strings.Replace(serving("ReplicaSet", "web-1", "web", "http"), "namespace: shop", "namespace: shop, ownerReferences: [{kind: Rollout, name: web, controller: true}]", 1)}, nil},
		"had none before":                     {situation{before: front, after: service("app: wbe", "8080")}, nil},
		"cannot be read":                      {situation{before: web, others: front, unreadable: true}, nil},
		"new":                                 {situation{after: front}, nil},
	})
}

func TestPorts(t *testing.T) {
	web, front := serving("Deployment", "web", "web", "http"), service("app: web", "http")
	check(t, map[string]expectation{
		"new, has it":                    {situation{after: web + "---\n" + front}, nil},
		"new, has not":                   {situation{after: web + "---\n" + service("app: web", "https")}, []string{"medium service-port-unknown Service shop/front: \"https\" … Deployment.apps shop/web"}},
		"new, a live one has it":         {situation{after: web + "---\n" + service("app: web", "https"), others: serving("StatefulSet", "web2", "web", "https")}, nil},
		"new, of pods that nobody knows": {situation{after: service("app: web", "https")}, nil},
		"a number":                       {situation{after: web + "---\n" + service("app: web", "1234")}, nil},
		"renamed in the workload": {
			situation{before: web, after: serving("Deployment", "web", "web", "web"), others: front},
			[]string{"high service-port-unknown Service shop/front: named \"http\" … has it no more", "low pods-restart Deployment.apps shop/web: "},
		},
		"renamed in both":        {situation{before: web + "---\n" + front, after: serving("Deployment", "web", "web", "web") + "---\n" + service("app: web", "web")}, []string{"low pods-restart Deployment.apps shop/web: "}},
		"renamed in the Service": {situation{before: front + "---\n" + web, after: service("app: web", "web") + "---\n" + web + "# same\n", others: web}, nil},
		"offline":                {situation{after: web + "---\n" + service("app: web", "https"), offline: true}, []string{"medium service-port-unknown Service shop/front: "}},
	})
}

func TestHosts(t *testing.T) {
	ingress := func(name string, hosts ...string) string {
		text := "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: " + name + ", namespace: shop}\nspec:\n  rules:\n"
		for _, host := range hosts {
			text += "  - {host: " + host + "}\n"
		}
		return text
	}
	both, one := ingress("web", "a.example.com", "b.example.com"), ingress("web", "a.example.com")
	check(t, map[string]expectation{
		"one goes":              {situation{before: both, after: one}, []string{"medium host-removed Ingress.networking.k8s.io shop/web: serves b.example.com any more"}},
		"one comes":             {situation{before: one, after: both}, nil},
		"all go":                {situation{before: both}, []string{"medium host-removed Ingress.networking.k8s.io shop/web: a.example.com and b.example.com"}},
		"another has it":        {situation{before: both, after: one, others: ingress("web2", "b.example.com")}, nil},
		"another gets it":       {situation{before: both, after: one + "---\n" + ingress("web2", "b.example.com")}, nil},
		"others cannot be read": {situation{before: both, after: one, unreadable: true}, []string{"medium host-removed Ingress.networking.k8s.io shop/web: could not be looked at"}},
	})
}

func TestNetworkPolicies(t *testing.T) {
	policy := func(name, selector, more string) string {
		return "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: " + name + ", namespace: shop}\nspec: {podSelector: {" + selector + "}" + more + "}\n"
	}
	web := serving("Deployment", "web", "web", "http")
	check(t, map[string]expectation{
		"the only one":          {situation{before: policy("p", "", ""), others: web}, []string{"medium network-policy-removed NetworkPolicy.networking.k8s.io shop/p: Ingress traffic of the pods of Deployment.apps shop/web"}},
		"of no pods":            {situation{before: policy("p", "matchLabels: {app: api}", ""), others: web}, nil},
		"another restricts":     {situation{before: policy("p", "", ""), others: web + "---\n" + policy("q", "matchExpressions: [{key: app, operator: In, values: [web]}]", "")}, nil},
		"another, other labels": {situation{before: policy("p", "", ""), others: web + "---\n" + policy("q", "matchExpressions: [{key: app, operator: NotIn, values: [web]}]", "")}, []string{"medium network-policy-removed NetworkPolicy.networking.k8s.io shop/p: "}},
		"another direction":     {situation{before: policy("p", "", ", egress: []"), others: web + "---\n" + policy("q", "", "")}, []string{"medium network-policy-removed NetworkPolicy.networking.k8s.io shop/p: Egress and Ingress traffic"}},
		"the pods go too":       {situation{before: policy("p", "", "") + "---\n" + web}, nil},
		"pods cannot be read":   {situation{before: policy("p", "", ""), unreadable: true}, []string{"medium network-policy-removed NetworkPolicy.networking.k8s.io shop/p: could not be looked at"}},
	})
}
