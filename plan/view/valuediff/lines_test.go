package valuediff

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestDiffsGoFromOneTextToTheOther applies each diff, and holds its length to
// what the longest common subsequence allows.
func TestDiffsGoFromOneTextToTheOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", ""}), 0, 12)
		before, after := text.Draw(t, "before"), text.Draw(t, "after")
		var was, is []string
		stay := 0
		for _, line := range Lines(before, after) {
			if line.Op != '+' {
				was = append(was, line.Text)
			}
			if line.Op != '-' {
				is = append(is, line.Text)
			}
			if line.Op == ' ' {
				stay++
			}
		}
		if !slices.Equal(was, before) || !slices.Equal(is, after) {
			t.Fatalf("goes from %q to %q", was, is)
		}
		if want := common(before, after); stay != want {
			t.Fatalf("%d lines stay, %d could", stay, want)
		}
	})
}

// common is the length of the longest common subsequence, the slow way.
func common(a, b []string) int {
	table := make([][]int, len(a)+1)
	for i := range table {
		table[i] = make([]int, len(b)+1)
	}
	for i := range a {
		for j := range b {
			table[i+1][j+1] = max(table[i][j+1], table[i+1][j])
			if a[i] == b[j] {
				table[i+1][j+1] = table[i][j] + 1
			}
		}
	}
	return table[len(a)][len(b)]
}

func TestTextsWithLittleInCommonAreRewritten(t *testing.T) {
	before := strings.Split(strings.Repeat("a\n", 5000), "\n")
	after := strings.Split(strings.Repeat("b\n", 5000), "\n")
	diff := Lines(before, after)
	if len(diff) != 10001 || diff[0].Op != '-' || diff[9999].Op != '+' || diff[10000].Op != ' ' {
		t.Errorf("%d lines, %v … %v", len(diff), diff[0], diff[len(diff)-1])
	}
}

func TestHunks(t *testing.T) {
	var diff []Line
	for _, line := range strings.Split(" a, b, c,-d, e, f, g, h, i, j,+k, l", ",") {
		diff = append(diff, Line{rune(line[0]), line[1:]})
	}
	var got []string
	for _, line := range Hunks(diff, 1) {
		got = append(got, string(line.Op)+line.Text)
	}
	want := []string{"…… 2 lines as they are", " c", "-d", " e", "…… 4 lines as they are", " j", "+k", " l"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
