package engine

import (
	"context"
	"fmt"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/state"
)

// Forget removes all that the state has of an application: its revisions, its hold, and at
// last its record. Cut off, the same again finishes it. Objects on clusters stay as they
// are. The caller holds the state as a whole.
func Forget(ctx context.Context, records *state.Records, address addr.Address) error {
	record, _, err := records.Get(ctx, address)
	if err != nil {
		return err
	}
	if record != nil {
		if err := revisionsIn(records).Drop(ctx, record); err != nil {
			return fmt.Errorf("what %s was: %w", address, err)
		}
	}
	return records.Forget(ctx, address)
}
