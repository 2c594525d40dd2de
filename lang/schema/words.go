package schema

import (
	"fmt"
	"slices"
	"strings"
)

// List joins words for a sentence: "a, b and c". It sorts them.
func List(words []string, conjunction string) string {
	words = slices.Clone(words)
	slices.Sort(words)
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " " + conjunction + " " + words[last]
}

// Suggest returns the word that a mistyped one was most likely meant to be, or
// "" where none is near.
func Suggest(given string, words []string) string {
	best, bestDistance := "", max(len(given)/3, 1)+1
	sorted := slices.Clone(words)
	slices.Sort(sorted)
	folded := fold(given)
	for _, word := range sorted {
		if d := distance(folded, fold(word), bestDistance); d < bestDistance {
			best, bestDistance = word, d
		}
	}
	return best
}

// didYouMean returns the suggestion in a format, or "".
func didYouMean(given string, words []string, format string) string {
	if suggestion := Suggest(given, words); suggestion != "" {
		return fmt.Sprintf(format, suggestion)
	}
	return ""
}

// fold makes words equal that differ in case, dashes and underscores alone.
func fold(word string) string {
	return strings.ReplaceAll(strings.ToLower(word), "-", "_")
}

// distance is the number of insertions, deletions, replacements and swaps of
// neighbours that make one word the other, or bound where it is not less.
func distance(a, b string, bound int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) >= bound || len(y)-len(x) >= bound {
		return bound
	}
	before, previous, current := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(x); i++ {
		current[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		before, previous, current = previous, current, before
	}
	return min(previous[len(y)], bound)
}
