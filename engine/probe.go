package engine

// Points that an apply passes, at which tests have it killed, fail, or wait
// (Options.Probe).
const (
	PointAfterLock         = "afterLock"         // the lease of the run is held
	PointAfterBegun        = "afterBegun"        // the plan is in the ledger as begun
	PointBeforeIntent      = "beforeIntent"      // before an application's intents are written
	PointAfterIntent       = "afterIntent"       // they are durable, and nothing is sent yet
	PointBeforeRequest     = "beforeRequest"     // before a write leaves
	PointAfterRequest      = "afterRequest"      // its answer is here, and not in the record
	PointNoted             = "noted"             // a change is noted as made, in memory
	PointDuringWait        = "duringWait"        // objects are waited for
	PointBetweenWaves      = "betweenWaves"      // those of a wave are healthy
	PointBeforePrune       = "beforePrune"       // before an object is deleted
	PointMidPrune          = "midPrune"          // its deletion is accepted, and it may be there still
	PointBeforeRecordWrite = "beforeRecordWrite" // before a record is written
	PointAfterRecordWrite  = "afterRecordWrite"  // it is written
	PointBeforeMove        = "beforeMove"        // a record is written under a new address, and there under the old
	PointHookRan           = "hookRan"           // hooks have succeeded, and that is not in the record
	PointBeforeSweep       = "beforeSweep"       // before hooks are tidied up
	PointBeforeHistory     = "beforeHistory"     // before the record is closed with its entry
	PointAfterHistory      = "afterHistory"      // it is closed
	PointBeforeEnd         = "beforeEnd"         // all is applied, and the ledger does not say so
	PointAfterEnd          = "afterEnd"          // it does
	PointBeforeGenerators  = "beforeGenerators"  // before what generators gave is recorded
	PointBeforeUnlock      = "beforeUnlock"      // all is recorded
	PointAfterUnlock       = "afterUnlock"       // the lease is given up
)

// Points returns all of them, in the order in which an apply may pass them first.
func Points() []string {
	return []string{
		PointAfterLock, PointAfterBegun, PointBeforeIntent, PointBeforeRecordWrite, PointAfterRecordWrite, PointBeforeMove, PointAfterIntent,
		PointBeforeRequest, PointAfterRequest, PointNoted, PointDuringWait, PointBetweenWaves, PointHookRan, PointBeforePrune, PointMidPrune,
		PointBeforeSweep, PointBeforeHistory, PointAfterHistory, PointBeforeEnd, PointAfterEnd, PointBeforeGenerators,
		PointBeforeUnlock, PointAfterUnlock,
	}
}

func (e *Engine) probe(point string) {
	if e.options.Probe != nil {
		e.options.Probe(point)
	}
}
