package promote

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/plan/source"
)

// Left is a pinned input that differs and is left as it is.
type Left struct {
	Application addr.Address `json:"application"`
	Input       string       `json:"input"`
	Why         string       `json:"why"`
}

// Choose says which pinned inputs of a pair's target are to change, to what its model was
// applied with; applied are the pins of that apply. Sources that are not the same ones are an
// error.
func (p Pair) Choose(applied []source.Pin) ([]Change, []Left, error) {
	if len(p.From.Sources) != len(p.To.Sources) {
		return nil, nil, fmt.Errorf("%s has %d sources and %s has %d: it is not known which becomes which", p.From.Address, len(p.From.Sources), p.To.Address, len(p.To.Sources))
	}
	for i := range p.From.Sources {
		from, to := p.From.Sources[i], p.To.Sources[i]
		if from.Type != to.Type || from.URL != to.URL || from.Chart != to.Chart {
			return nil, nil, fmt.Errorf("source %d of %s is %s, and that of %s is %s: only pins of the same sources are promoted", i+1, p.From.Address, located(from), p.To.Address, located(to))
		}
	}
	from, to := fields(p.From), fields(p.To)
	var changes []Change
	var left []Left
	for _, at := range slices.Sorted(maps.Keys(from)) {
		leave := func(format string, words ...any) {
			left = append(left, Left{Application: p.To.Address, Input: at, Why: fmt.Sprintf(format, words...)})
		}
		is, was := from[at], to[at]
		if is.kind == plain {
			continue
		}
		change := Change{Application: p.To.Address, Input: at, Old: was.text, New: is.text}
		switch {
		case is.kind != was.kind:
			if was.text != is.text {
				leave("%s does not pin it", p.To.Address)
			}
			continue
		case is.kind == revision:
			if !exact(was.text) {
				if was.text != is.text {
					leave("%s follows %q, which is no pin", p.To.Address, was.text)
				}
				continue
			}
			resolved, err := p.resolved(is, applied)
			if err != nil {
				return nil, nil, err
			}
			change.New, change.model = resolved, p.From.Sources[is.source].Location
		case is.kind == image:
			before, old, _ := splitTag(was.text)
			other, tag, _ := splitTag(is.text)
			if sign := len(before) - 1; before[sign] != other[len(other)-1] {
				leave("it is a tag of one and a digest of the other")
				continue
			}
			change.Old, change.New, change.after = old, tag, before+tag
		}
		if change.after == "" {
			change.after = change.New
		}
		if change.Old == change.New {
			continue
		}
		if !writable.MatchString(change.New) {
			return nil, nil, fmt.Errorf("%s of %s is %q, which cannot be written for another: it has characters that no tag, version or digest has", at, p.From.Address, change.New)
		}
		changes = append(changes, change)
	}
	for at, was := range to {
		if _, there := from[at]; was.kind != plain && was.kind != revision && !there {
			left = append(left, Left{Application: p.To.Address, Input: at, Why: fmt.Sprintf("%s does not set it", p.From.Address)})
		}
	}
	slices.SortFunc(left, func(a, b Left) int { return strings.Compare(a.Input, b.Input) })
	return changes, left, nil
}

// writable is what may be written into a file in place of another such text, whatever the
// file's grammar: nothing in it ends a string, or begins something.
var writable = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+/:@~-]*$`)

func located(s lang.Source) string {
	text := string(s.Type)
	if s.URL != "" {
		text = s.URL
	}
	if s.Chart != "" {
		text += " " + s.Chart
	}
	return text
}

var objectName = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64}|sha256:[0-9a-f]{64})$`)

// exact reports whether a revision names one content: a commit, a digest, a version or a tag
// that looks like one. A branch, a range and a default do not.
func exact(text string) bool {
	if objectName.MatchString(text) || strings.HasPrefix(text, "refs/tags/") {
		return true
	}
	// "1" or "v1" are tags that move, as a rule.
	_, err := semver.StrictNewVersion(strings.TrimPrefix(text[strings.LastIndexAny(text, "-/@")+1:], "v"))
	if err != nil {
		_, err = semver.StrictNewVersion(strings.TrimPrefix(text, "v"))
	}
	return err == nil
}

// resolved is a revision as it was applied: itself where it is exact, else what it came to.
func (p Pair) resolved(f field, applied []source.Pin) (string, error) {
	if exact(f.text) {
		return f.text, nil
	}
	s := &p.From.Sources[f.source]
	for i := range applied {
		if at := &applied[i]; at.Type == s.Type && at.URL == s.URL && at.Chart == s.Chart && at.Revision == s.Revision && at.Path == s.Path && at.Resolved != "" {
			return at.Resolved, nil
		}
	}
	return "", fmt.Errorf("%s follows %q, and it is not recorded what that came to when it was applied", p.From.Address, f.text)
}
