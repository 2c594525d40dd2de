// Package revision chooses a revision among the names that a source has: the
// newest version that a semver range allows, and the names most like one that
// does not exist.
//
// It is a leaf: sources import it, and it imports nothing of Gantry.
package revision

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Range is a semver range, perhaps over names with a prefix: "podinfo-6.1.*"
// is the range "6.1.*" over the names that start with "podinfo-".
type Range struct {
	Prefix     string
	constraint *semver.Constraints
}

// ParseRange reads a range such as "1.2.*", "^1.2" or ">=1.0 <2". It reports
// false for what is not a range, also for a plain version such as "1.2.3".
func ParseRange(text string) (Range, bool) {
	for start := 0; ; {
		rest := text[start:]
		if looksLikeRange(rest) {
			constraint, err := semver.NewConstraint(rest)
			if err == nil {
				return Range{Prefix: text[:start], constraint: constraint}, true
			}
		}
		next := strings.IndexAny(rest, "-/@")
		if next < 0 {
			return Range{}, false
		}
		start += next + 1
	}
}

// Stable is the range of all versions that are not pre-releases.
func Stable() Range {
	return Range{constraint: mustAny()}
}

func mustAny() *semver.Constraints {
	constraint, err := semver.NewConstraint("*")
	if err != nil {
		panic("the range * is not a range; this is a bug in gantry: " + err.Error())
	}
	return constraint
}

// looksLikeRange tells a range from a version or a name that happens to parse.
func looksLikeRange(text string) bool {
	if strings.ContainsAny(text, "^~*<>=,| ") {
		return true
	}
	parts := strings.Split(strings.TrimPrefix(text, "v"), ".")
	if _, err := strconv.Atoi(parts[0]); err != nil {
		return false
	}
	return slices.Contains(parts, "x") || slices.Contains(parts, "X")
}

// Newest returns the name with the newest version in the range. Where names
// have the same version ("v1.2.0" and "1.2.0") the first by text wins.
func (r Range) Newest(names []string) (string, bool) {
	sorted := slices.Sorted(slices.Values(names))
	var best *semver.Version
	var bestName string
	for _, name := range sorted {
		version, ok := r.version(name)
		if !ok || !r.constraint.Check(version) {
			continue
		}
		if best == nil || version.GreaterThan(best) {
			best, bestName = version, name
		}
	}
	return bestName, best != nil
}

// version reads the version in a name. "v1.2" is one, but a name without a dot
// is rather a date, a build number or a tag that moves.
func (r Range) version(name string) (*semver.Version, bool) {
	text, ok := strings.CutPrefix(name, r.Prefix)
	if !ok {
		return nil, false
	}
	version, err := semver.NewVersion(text)
	return version, err == nil && strings.Contains(text, ".")
}

// Latest returns up to n names that are versions, newest first.
func Latest(names []string, n int) []string {
	type candidate struct {
		name    string
		version *semver.Version
	}
	var found []candidate
	for _, name := range names {
		if version, err := semver.NewVersion(name); err == nil {
			found = append(found, candidate{name, version})
		}
	}
	slices.SortFunc(found, func(a, b candidate) int {
		if c := b.version.Compare(a.version); c != 0 {
			return c
		}
		return strings.Compare(a.name, b.name)
	})
	latest := make([]string, 0, n)
	for _, c := range found[:min(n, len(found))] {
		latest = append(latest, c.name)
	}
	return latest
}

// Similar returns up to three names that are most like one that does not exist,
// the most alike first.
func Similar(name string, names []string) []string {
	type candidate struct {
		name     string
		distance int
	}
	var found []candidate
	for _, other := range names {
		distance := editDistance(strings.ToLower(name), strings.ToLower(other))
		if distance <= max(2, len(name)/3) || (len(name) >= 3 && strings.Contains(other, name)) {
			found = append(found, candidate{other, distance})
		}
	}
	slices.SortFunc(found, func(a, b candidate) int {
		if a.distance != b.distance {
			return a.distance - b.distance
		}
		return strings.Compare(a.name, b.name)
	})
	similar := make([]string, 0, 3)
	for _, c := range found[:min(3, len(found))] {
		similar = append(similar, c.name)
	}
	return similar
}

// Hint is the end of a message about a name that does not exist: what it is
// like, what there is, or nothing.
func Hint(name string, names []string) string {
	if similar := Similar(name, names); len(similar) > 0 {
		return fmt.Sprintf("; did you mean %s?", strings.Join(similar, ", "))
	}
	if latest := Latest(names, 3); len(latest) > 0 {
		return "; the newest are " + strings.Join(latest, ", ")
	}
	return ""
}

// editDistance counts the changes of one character that turn a into b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
