package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// mostReasons is how many reasons a message lists, and mostFields how many fields of
// one object.
const (
	mostReasons = 10
	mostFields  = 5
)

// several joins reasons, the first most of them.
func several(reasons []string, most int) string {
	if more := len(reasons) - most; more > 0 {
		reasons = append(slices.Clone(reasons[:most]), fmt.Sprintf("and %d more", more))
	}
	return strings.Join(reasons, "; ")
}

// movedFields says which fields of an object are not as the change was planned for,
// from what to what, and who wrote them.
func (p *progress) movedFields(ctx context.Context, c *plan.Change, have object.Object) (string, error) {
	now, err := p.fieldsNow(ctx, c, have)
	var conflict *providers.ConflictError
	if errors.As(err, &conflict) && len(conflict.Fields) > 0 {
		return p.takenFields(ctx, c, have, conflict)
	}
	if err != nil || len(brought(now)) == 0 { // what was planned is so already
		return "", err
	}
	return several(p.tellMoved(c, have, differs(c.Fields, now)), mostFields), nil
}

// takenFields says which fields others own by now, so that the change as planned is
// refused: those whose values moved, and those that only their owner did.
func (p *progress) takenFields(ctx context.Context, c *plan.Change, have object.Object, conflict *providers.ConflictError) (string, error) {
	forced := *c
	forced.Force = true
	now, err := p.fieldsNow(ctx, &forced, have)
	if err != nil {
		return "", err
	}
	moved := differs(c.Fields, now)
	reasons := p.tellMoved(c, have, moved)
	for _, taken := range diff.Taken(conflict, have) {
		if !slices.ContainsFunc(moved, func(m movedField) bool { return m.path == taken.Path }) {
			reasons = append(reasons, fmt.Sprintf("%s of %s is owned by others by now%s", taken.Path, c.ID, byWhom(taken.Writer, true)))
		}
	}
	return several(reasons, mostFields), nil
}

func (p *progress) tellMoved(c *plan.Change, have object.Object, moved []movedField) []string {
	reasons := make([]string, len(moved))
	for i, m := range moved {
		writer, known := diff.Wrote(have, m.path, p.applying.plan.CreatedAt)
		reasons[i] = fmt.Sprintf("%s of %s %s%s", m.path, c.ID, m.how(), byWhom(writer, known))
	}
	return reasons
}

// byWhom says who wrote something, and when.
func byWhom(w plan.Writer, known bool) string {
	if !known || w.Manager == "" {
		return ""
	}
	if w.At.IsZero() {
		return fmt.Sprintf(" (written by %s)", w.Manager)
	}
	return fmt.Sprintf(" (written by %s at %s)", w.Manager, moment(w.At))
}

// lately says who wrote an object last, and when.
func lately(have object.Object) string {
	writer, known := diff.LastWriter(have)
	return byWhom(writer, known)
}

// movedField is a field whose change is another than was planned; planned or now is
// nil where there is none.
type movedField struct {
	path         string
	planned, now *plan.FieldChange
}

func (m movedField) how() string {
	switch {
	case m.planned == nil:
		return fmt.Sprintf("is %s by now, which the plan did not find", shown(m.now.Before))
	case m.now == nil:
		return fmt.Sprintf("was %s when planned, and is %s already", shown(m.planned.Before), shown(m.planned.After))
	case sameValue(m.planned.Before, m.now.Before):
		return fmt.Sprintf("would become %s by now, and was planned to become %s", shown(m.now.After), shown(m.planned.After))
	}
	return fmt.Sprintf("was %s when planned, and is %s by now", shown(m.planned.Before), shown(m.now.Before))
}

// shown is a value in a message; nil is none.
func shown(value any) string {
	if value == nil {
		return "not there"
	}
	text, err := json.Marshal(value)
	if err != nil {
		return "something else"
	}
	const most = 60
	if utf8.RuneCount(text) > most {
		return string([]rune(string(text))[:most]) + "…"
	}
	return string(text)
}

func sameValue(a, b any) bool { return shownWhole(a) == shownWhole(b) }

func shownWhole(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}

// brought returns the fields that the change itself brings: not those that the server
// brings of itself with every write, nor those of which only the owner changes.
func brought(fields []plan.FieldChange) []*plan.FieldChange {
	var out []*plan.FieldChange
	for i := range fields {
		if f := &fields[i]; !f.Server && !f.Owned {
			out = append(out, f)
		}
	}
	return out
}

// differs returns the fields whose change is another in the two lists, sorted by path.
// Only what the changes themselves bring is compared, and not who drifted when.
func differs(planned, now []plan.FieldChange) []movedField {
	have := map[string]*movedField{}
	note := func(fields []plan.FieldChange, set func(*movedField, *plan.FieldChange)) {
		for _, f := range brought(fields) {
			if have[f.Path] == nil {
				have[f.Path] = &movedField{path: f.Path}
			}
			set(have[f.Path], f)
		}
	}
	note(planned, func(m *movedField, f *plan.FieldChange) { m.planned = f })
	note(now, func(m *movedField, f *plan.FieldChange) { m.now = f })
	var out []movedField
	for _, m := range have {
		same := m.planned != nil && m.now != nil && m.planned.Kind == m.now.Kind &&
			sameValue(m.planned.Before, m.now.Before) && sameValue(m.planned.After, m.now.After)
		if !same {
			out = append(out, *m)
		}
	}
	slices.SortFunc(out, func(a, b movedField) int { return strings.Compare(a.path, b.path) })
	return out
}
