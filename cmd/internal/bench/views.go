package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/planfile"
	"github.com/gantrycd/gantry/plan/view"
	"github.com/gantrycd/gantry/plan/view/html"
)

// shown are the views of a plan that are measured: how the program is told to show it, and
// what shows a plan that is read.
func shown(out string) []struct {
	name string
	args []string
	show func(*plan.Plan) error
} {
	return []struct {
		name string
		args []string
		show func(*plan.Plan) error
	}{
		{"text", nil, func(p *plan.Plan) error { return view.Text(io.Discard, p, view.Options{}) }},
		{"a summary", []string{"--summary"}, func(p *plan.Plan) error { return view.Text(io.Discard, p, view.Options{Summary: true}) }},
		{"Markdown", []string{"--markdown", out}, func(p *plan.Plan) error { return view.Markdown(io.Discard, p, view.CommentLimit) }},
		{"JSON", []string{"--json"}, func(p *plan.Plan) error { return view.JSON(io.Discard, p) }},
		{"HTML", []string{"--html", out}, func(p *plan.Plan) error { return html.Write(io.Discard, p, html.Options{}) }},
	}
}

// viewStep names the view alone, of a plan that is read.
func viewStep(name string) string { return "the view as " + name + ", without reading the plan" }

// views measures what it takes to show a saved plan in each way: from the start of the
// program to its end, of which reading the plan is a part, and the view alone.
func (b *bench) views(ctx context.Context) ([]result, error) {
	saved, err := planfile.ReadFile(b.planned(), planfile.ReadOptions{})
	if err != nil {
		return nil, err
	}
	var results []result
	for _, v := range shown(filepath.Join(filepath.Dir(b.planned()), "view")) {
		command := exec.CommandContext(ctx, b.gantry, append([]string{"show", b.planned()}, v.args...)...)
		command.Env, command.Stdout = b.env, io.Discard
		start := time.Now()
		if err := command.Run(); err != nil {
			return nil, fmt.Errorf("showing the plan as %s: %w", v.name, err)
		}
		whole := result{step: "the first plan as " + v.name, wall: time.Since(start)}
		start = time.Now()
		if err := v.show(saved.Plan); err != nil {
			return nil, fmt.Errorf("showing the plan as %s: %w", v.name, err)
		}
		results = append(results, whole, result{step: viewStep(v.name), wall: time.Since(start)})
	}
	return results, nil
}
