package crash

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/state/storetest/soak"
)

// TestKilledAtEachPoint has an apply killed (SIGKILL) at named points: where an object is
// at stake, at the first, at one in the middle, and at the last. Applied again, the plan is
// carried out, with nothing done twice, nothing orphaned, and nothing left for a next plan.
// In a soak that is every point with 200 objects, otherwise some of them with fewer.
func TestKilledAtEachPoint(t *testing.T) {
	t.Parallel()
	size := 30
	if soak.Asked() {
		size = 200
	}
	perObject := []string{engine.PointBeforeRequest, engine.PointAfterRequest, engine.PointNoted, pointInFlight}
	perPrune := []string{engine.PointBeforePrune, engine.PointMidPrune}
	often := []string{engine.PointDuringWait, engine.PointBetweenWaves, engine.PointBeforeRecordWrite, engine.PointAfterRecordWrite}
	type kill struct {
		point string
		hit   int
	}
	var kills []kill
	for _, point := range append(engine.Points(), pointInFlight, pointRenew) {
		switch {
		case point == engine.PointBeforeMove:
			continue // nothing moves here
		case slices.Contains(perObject, point):
			kills = append(kills, kill{point, 1}, kill{point, size / 2}, kill{point, size})
		case slices.Contains(perPrune, point):
			kills = append(kills, kill{point, 1}, kill{point, size / 20}, kill{point, size / 10})
		case slices.Contains(often, point):
			kills = append(kills, kill{point, 1}, kill{point, 2}, kill{point, 3})
		default:
			kills = append(kills, kill{point, 1})
		}
	}
	if !soak.Asked() { // a dozen, of each kind
		some := []kill{
			{engine.PointAfterLock, 1},
			{engine.PointBeforeIntent, 1},
			{engine.PointAfterIntent, 1},
			{engine.PointBeforeRequest, size},
			{engine.PointAfterRequest, 1},
			{pointInFlight, size / 2},
			{engine.PointBetweenWaves, 2},
			{engine.PointMidPrune, 2},
			{engine.PointBeforeHistory, 1},
			{engine.PointBeforeSweep, 1},
			{engine.PointBeforeEnd, 1},
			{engine.PointBeforeUnlock, 1},
			{pointRenew, 1},
		}
		kills = some
	}
	e := newEstate(t, size)
	e.next(t)
	e.MustApply(t, engine.PlanOptions{})
	began := time.Now()
	reached := 0
	for _, k := range kills {
		p, file := e.next(t)
		what := fmt.Sprintf("killed at %s, time %d", k.point, k.hit)
		o := order{Plan: file, Point: k.point, Hit: k.hit}
		if k.point == pointRenew {
			o.Lease = time.Second
		}
		if e.killed(t, o) {
			reached++
		} else {
			t.Errorf("%s: the apply never came there", what)
		}
		e.recovers(t, p, what)
	}
	t.Logf("survived: %d of %d kills at %d points, with %d objects: all converged, in %s", reached, len(kills), len(engine.Points())+1, size, time.Since(began).Round(time.Second))
}
