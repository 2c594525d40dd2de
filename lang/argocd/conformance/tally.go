package conformance

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// Result is how the cases of a set went. A case agrees, or it differs on purpose, for a
// reason, or it failed.
type Result struct {
	Agree     int            `json:"agree"`
	Different map[string]int `json:"different,omitempty"` // by reason
	Failed    int            `json:"failed,omitempty"`
}

// OnPurpose counts the cases that differ on purpose.
func (r Result) OnPurpose() int {
	sum := 0
	for _, n := range r.Different {
		sum += n
	}
	return sum
}

// Cases counts all of them.
func (r Result) Cases() int { return r.Agree + r.OnPurpose() + r.Failed }

// Equal reports whether two are the same.
func (r Result) Equal(other Result) bool {
	return r.Agree == other.Agree && r.Failed == other.Failed && maps.Equal(r.Different, other.Different)
}

//go:embed results.json
var recorded []byte

// Recorded returns the results that are written down, by set.
func Recorded() (map[ID]Result, error) {
	var out map[ID]Result
	if err := json.Unmarshal(recorded, &out); err != nil {
		return nil, fmt.Errorf("results.json of the conformance: %w", err)
	}
	return out, nil
}

// ResultsVariable names the environment variable with the folder that results are written
// to, a file a set, in place of being compared with those that are written down.
const ResultsVariable = "GANTRY_CONFORMANCE_RESULTS"

// Tally counts how the cases of a set go. It is for the goroutine of its test.
type Tally struct {
	t        *testing.T
	set      ID
	result   Result
	failures []string
}

// Count begins to count. When the test ends, the counts must be those that are written
// down. In other data than they were made of, with more cases, there may be some that
// nobody has looked at: at most three of a hundred may fail there, and they are told of.
func Count(t *testing.T, set ID) *Tally {
	t.Helper()
	tally := &Tally{t: t, set: set, result: Result{Different: map[string]int{}}}
	t.Cleanup(tally.settle)
	return tally
}

// Agree counts a case that is as in Argo CD.
func (y *Tally) Agree() { y.result.Agree++ }

// Differ counts a case that is otherwise on purpose.
func (y *Tally) Differ(reason string) { y.result.Different[reason]++ }

// Fail counts a case that is otherwise for no known reason.
func (y *Tally) Fail(format string, args ...any) {
	y.result.Failed++
	y.failures = append(y.failures, fmt.Sprintf(format, args...))
}

func (y *Tally) settle() {
	if y.t.Skipped() {
		return
	}
	all, err := Recorded()
	if err != nil {
		y.t.Error(err)
		return
	}
	known := all[y.set]
	report := y.t.Errorf
	if cases := y.result.Cases(); cases > known.Cases() && y.result.Failed*100 <= cases*3 {
		report = y.t.Logf
	}
	for _, failure := range y.failures {
		report("not as Argo CD, and not listed: %s", failure)
	}
	y.t.Logf("%s: of %d cases %d as Argo CD, %d different on purpose, %d failed", y.set, y.result.Cases(), y.result.Agree, y.result.OnPurpose(), y.result.Failed)
	if dir := os.Getenv(ResultsVariable); dir != "" {
		y.save(dir)
		return
	}
	if y.result.Cases() == known.Cases() && !y.result.Equal(known) {
		y.t.Errorf("%s: %+v is written down, and it is %+v; make conformance-record writes it down", y.set, known, y.result)
	}
}

func (y *Tally) save(dir string) {
	text, err := json.Marshal(y.result)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, string(y.set)+".json"), text, 0o600)
	}
	if err != nil {
		y.t.Error(err)
	}
}
