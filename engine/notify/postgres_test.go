package notify_test

import (
	"testing"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/state/postgres"
	"github.com/gantrycd/gantry/state/postgres/pgtest"
)

// A burst arrives once each also with the state in PostgreSQL, where several commands on
// several machines deliver it.
func TestABurstWithPostgreSQL(t *testing.T) {
	t.Parallel()
	store, err := postgres.New(t.Context(), postgres.Options{URL: object.Sensitive(pgtest.Start(t).URL()), Schema: "burst"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	burst(t, store, 4)
}
