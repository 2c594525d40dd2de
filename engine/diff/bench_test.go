package diff_test

import (
	"testing"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state"
)

const benchDeployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: web, labels: {app: web, team: payments}, annotations: {example.com/owner: payments}}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      containers:
      - name: app
        image: registry.example.com/web:1.2.3
        args: [--port, "80", --verbose]
        env: [{name: A, value: a}, {name: B, value: b}, {name: C, valueFrom: {configMapKeyRef: {name: web, key: c}}}]
        ports: [{containerPort: 80, name: http, protocol: TCP}, {containerPort: 81, name: metrics, protocol: TCP}]
        resources: {limits: {cpu: "1", memory: 1Gi}, requests: {cpu: 100m, memory: 128Mi}}
        volumeMounts: [{name: config, mountPath: /etc/web}]
      volumes: [{name: config, configMap: {name: web}}]
`

func benchInput(b *testing.B) (*diff.Differ, diff.Input) {
	desired := diff.Normalize(parse(b, benchDeployment))
	s := newServer(b, object.Object(desired).GVK())
	if err := s.apply(desired, manager, false); err != nil {
		b.Fatal(err)
	}
	d, live := diff.New(manager, fingerprinter(b)), s.object()
	fields := d.Owned(live, "")
	prior := &state.Owned{Fields: fields, Desired: d.Digest(desired), Values: d.Values(live, fields)}
	kind, _ := schemas().Type(live.GVK())
	return d, diff.Input{Desired: desired, Live: live, Prior: prior, Type: func() *diff.Type { return kind }}
}

// BenchmarkSameRecorded is an unchanged object whose apply was recorded: the usual case.
func BenchmarkSameRecorded(b *testing.B) {
	d, in := benchInput(b)
	b.ReportAllocs()
	for b.Loop() {
		if same, why := d.Same(in); !same {
			b.Fatal(why)
		}
	}
}

// BenchmarkSameTyped is the same object without a record.
func BenchmarkSameTyped(b *testing.B) {
	d, in := benchInput(b)
	in.Prior = nil
	b.ReportAllocs()
	for b.Loop() {
		if same, why := d.Same(in); !same {
			b.Fatal(why)
		}
	}
}

func BenchmarkAddSchema(b *testing.B) {
	document := documents()[[2]string{"apps", "v1"}]
	b.ReportAllocs()
	for b.Loop() {
		if err := diff.NewSchemas().Add("apps", "v1", document); err != nil {
			b.Fatal(err)
		}
	}
}
