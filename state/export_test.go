package state

// WithLedgerLimit has Records remember fewer applies of plans.
func WithLedgerLimit(limit int) Option { return func(r *Records) { r.ledgerLimit = limit } }
