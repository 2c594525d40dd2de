package plan

// Counts is how many objects have each action.
type Counts map[Action]int

// Total returns how many objects there are.
func (c Counts) Total() int {
	total := 0
	for _, n := range c {
		total += n
	}
	return total
}

// Changes returns how many objects are written or deleted, or leave the state.
func (c Counts) Changes() int {
	return c.Total() - c[Unchanged] - c[Blocked]
}

// Counts counts the application's objects by action. A hook counts where something is done
// about it: what is as it should be are the objects that are no hooks, as in a status and
// in drift.
func (a *Application) Counts() Counts {
	counts := Counts{}
	for i := range a.Changes {
		if c := &a.Changes[i]; c.Action != Unchanged || c.Hook == nil {
			counts[c.Action]++
		}
	}
	return counts
}

// IsBlocked reports whether the application cannot be applied.
func (a *Application) IsBlocked() bool { return len(a.Blocked) > 0 }

// HasChanges reports whether applying the application does anything.
func (a *Application) HasChanges() bool {
	return a.Leaves || a.Resets || !a.MovedFrom.IsZero() || a.Counts().Changes() > 0
}

// Counts counts the objects of all applications by action.
func (p *Plan) Counts() Counts {
	counts := Counts{}
	for i := range p.Applications {
		for action, n := range p.Applications[i].Counts() {
			counts[action] += n
		}
	}
	return counts
}

// HasChanges reports whether applying the plan does anything.
func (p *Plan) HasChanges() bool {
	for i := range p.Applications {
		if p.Applications[i].HasChanges() {
			return true
		}
	}
	return false
}

// IsBlocked reports whether any application cannot be applied.
func (p *Plan) IsBlocked() bool {
	for i := range p.Applications {
		if p.Applications[i].IsBlocked() {
			return true
		}
	}
	return false
}
