package view_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/view"
)

// creation is a plan that creates so many objects of about 2 kB, a hundred in each
// application; alike says that the applications differ in their names only.
func creation(objects int, alike bool) *plan.Plan {
	p := base()
	for n := range (objects + 99) / 100 {
		key := fmt.Sprintf("team-%04d", n)
		a := web()
		a.Address, a.Name, a.Namespace = addr.Application("team").Instance(key), key, key
		for i := range min(100, objects-n*100) {
			name := fmt.Sprintf("service-%02d", i)
			text := strings.Repeat("some setting: of a service\n", 60)
			if !alike {
				text += fmt.Sprintf("number: %d\n", n*100+i)
			}
			body := deployment()
			body["metadata"] = map[string]any{"name": name, "namespace": key, "labels": map[string]any{"app": name}}
			c := plan.Change{ID: object.ID{Group: "apps", Kind: "Deployment", Namespace: key, Name: name}, Version: "v1", Action: plan.Create, Body: body}
			if i%2 == 0 {
				c.ID.Group, c.ID.Kind = "", "ConfigMap"
				c.Body = object.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": body["metadata"], "data": map[string]any{"config.yaml": text, "mode": "fast"}}
			}
			a.Changes = append(a.Changes, c)
		}
		p.Applications = append(p.Applications, a)
	}
	return p
}

func views() map[string]func(io.Writer, *plan.Plan) error {
	return map[string]func(io.Writer, *plan.Plan) error{
		"text":     func(w io.Writer, p *plan.Plan) error { return view.Text(w, p, view.Options{}) },
		"full":     func(w io.Writer, p *plan.Plan) error { return view.Text(w, p, view.Options{Full: true}) },
		"summary":  func(w io.Writer, p *plan.Plan) error { return view.Text(w, p, view.Options{Summary: true}) },
		"markdown": func(w io.Writer, p *plan.Plan) error { return view.Markdown(w, p, view.CommentLimit) },
		"json":     view.JSON,
	}
}

func BenchmarkViews(b *testing.B) {
	for _, alike := range []bool{false, true} {
		p := creation(10_000, alike)
		for name, show := range views() {
			b.Run(fmt.Sprintf("%s/objects=10000/alike=%v", name, alike), func(b *testing.B) {
				for b.Loop() {
					if err := show(io.Discard, p); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
