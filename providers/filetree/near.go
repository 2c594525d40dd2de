package filetree

import (
	"slices"
	"strings"
)

// Near returns those of names, sorted, that someone who wrote name may have
// meant: at most three.
func Near(name string, names []string) []string {
	lower := strings.ToLower(name)
	var near []string
	for _, candidate := range names {
		other := strings.ToLower(candidate)
		limit := max(1, (min(len(lower), len(other))+1)/3)
		contains := len(lower) >= 3 && len(other) >= 3 && (strings.Contains(other, lower) || strings.Contains(lower, other))
		if contains || distance(lower, other, limit) <= limit {
			near = append(near, candidate)
		}
	}
	slices.Sort(near)
	return near[:min(len(near), 3)]
}

// distance is the number of single-character changes between two strings, or
// any number above limit when there are more.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d > limit || -d > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
