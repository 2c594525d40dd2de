package main

import (
	"fmt"
	"strings"
)

// contextLines is how many unchanged lines are shown around a change.
const contextLines = 2

// lineDiff shows which lines differ between two texts, best where they have the same number
// of lines, as formatting leaves it; "" where they are equal. name is shown above.
func lineDiff(name, before, after string) string {
	if before == after {
		return ""
	}
	from, to := strings.Split(before, "\n"), strings.Split(after, "\n")
	if len(from) != len(to) {
		return oneHunk(name, from, to)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", name, name)
	for at := 0; at < len(from); {
		if from[at] == to[at] {
			at++
			continue
		}
		end := at + 1 // the first line that no change is near
		for next := end; next < len(from) && next <= end+2*contextLines; next++ {
			if from[next] != to[next] {
				end = next + 1
			}
		}
		writeHunk(&b, from, to, max(0, at-contextLines), min(len(from), end+contextLines))
		at = end
	}
	return b.String()
}

// writeHunk writes the lines from start to end, removed before added.
func writeHunk(b *strings.Builder, from, to []string, start, end int) {
	fmt.Fprintf(b, "@@ -%d,%d +%d,%d @@\n", start+1, end-start, start+1, end-start)
	for i := start; i < end; {
		if from[i] == to[i] {
			fmt.Fprintf(b, " %s\n", from[i])
			i++
			continue
		}
		run := i
		for run < end && from[run] != to[run] {
			run++
		}
		for _, line := range from[i:run] {
			fmt.Fprintf(b, "-%s\n", line)
		}
		for _, line := range to[i:run] {
			fmt.Fprintf(b, "+%s\n", line)
		}
		i = run
	}
}

// oneHunk shows all between the first and the last line that differ of two texts, as one change.
func oneHunk(name string, from, to []string) string {
	start, end := 0, 0 // how many lines are the same, and how many from the end
	shorter := min(len(from), len(to))
	for start < shorter && from[start] == to[start] {
		start++
	}
	for end < shorter-start && from[len(from)-1-end] == to[len(to)-1-end] {
		end++
	}
	before, after := max(0, start-contextLines), min(end, contextLines)
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n@@ -%d,%d +%d,%d @@\n", name, name,
		before+1, len(from)-end+after-before, before+1, len(to)-end+after-before)
	for sign, lines := range [][]string{from[before:start], from[start : len(from)-end], to[start : len(to)-end], to[len(to)-end : len(to)-end+after]} {
		for _, line := range lines {
			fmt.Fprintf(&b, "%c%s\n", " -+ "[sign], line)
		}
	}
	return b.String()
}
