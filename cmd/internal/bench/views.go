package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"time"
)

// views measures what it takes to show a saved plan in each way, from the start of the
// program to its end: reading the plan is part of it.
func (b *bench) views(ctx context.Context, planned string) ([]result, error) {
	out := filepath.Join(filepath.Dir(planned), "view")
	var results []result
	for _, view := range []struct {
		name string
		args []string
	}{
		{"text", nil},
		{"a summary", []string{"--summary"}},
		{"Markdown", []string{"--markdown", out}},
		{"JSON", []string{"--json"}},
		{"HTML", []string{"--html", out}},
	} {
		command := exec.CommandContext(ctx, b.gantry, append([]string{"show", planned}, view.args...)...)
		command.Env, command.Stdout = b.env, io.Discard
		start := time.Now()
		if err := command.Run(); err != nil {
			return nil, fmt.Errorf("showing the plan as %s: %w", view.name, err)
		}
		measured := result{step: "the first plan as " + view.name, wall: time.Since(start)}
		measured.CPU = (command.ProcessState.UserTime() + command.ProcessState.SystemTime()).Seconds()
		results = append(results, measured)
	}
	return results, nil
}
