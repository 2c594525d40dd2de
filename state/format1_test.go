package state_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/local"
)

// A state that a gantry of the first format wrote is read as it is, and written in the
// present format.
func TestStateThatAGantryOfTheFirstFormatWrote(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "format1"))); err != nil {
		t.Fatal(err)
	}
	records, err := state.Open(t.Context(), local.New(dir), state.Existing())
	if err != nil {
		t.Fatal(err)
	}
	if recipient, err := records.Recipient(); err != nil || recipient == nil {
		t.Errorf("%v, %v", recipient, err)
	}
	if published, err := records.Published(t.Context()); err != nil || published == nil {
		t.Errorf("%v, %v", published, err)
	}
	web := addr.Application("web")
	record, version, err := records.Get(t.Context(), web)
	if err != nil {
		t.Fatal(err)
	}
	if record.FormatVersion != 1 || record.Serial != 4 || len(record.Objects) != 3 || len(record.History) != 2 || record.Parent != nil || record.Claim != nil {
		t.Errorf("%+v", record)
	}
	if last := record.LastApply(); last.Outcome != "succeeded" || last.Plan == nil || last.ID != 0 {
		t.Errorf("%+v", last)
	}
	if version, err = records.Put(t.Context(), record, version); err != nil || version == "" {
		t.Fatal(err)
	}
	after, _, err := records.Get(t.Context(), web)
	if err != nil || after.FormatVersion != state.FormatVersion || after.Serial != 5 || len(after.Objects) != 3 || len(after.History) != 2 {
		t.Errorf("%+v, %v", after, err)
	}
}
