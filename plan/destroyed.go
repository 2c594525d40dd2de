package plan

// Destroyed counts what deletions take away.
type Destroyed struct {
	Objects   int `json:"objects"`             // items of the plan that are deleted or replaced
	With      int `json:"with,omitempty"`      // what goes with them, transient objects left out
	Transient int `json:"transient,omitempty"` // what goes with them, and comes and goes by itself
	Data      int `json:"data,omitempty"`      // of what goes with them, objects whose stored data are lost
}

// Counted is what budgets are about: objects, and what goes with them, but for
// transient objects.
func (d Destroyed) Counted() int { return d.Objects + d.With }

func (d Destroyed) plus(other Destroyed) Destroyed {
	return Destroyed{d.Objects + other.Objects, d.With + other.With, d.Transient + other.Transient, d.Data + other.Data}
}

// Destroys counts what the change takes away.
func (c *Change) Destroys() Destroyed {
	if !c.Action.Deletes() {
		return Destroyed{}
	}
	out := Destroyed{Objects: 1}
	for _, taken := range c.Takes {
		if taken.Transient {
			out.Transient += taken.Count
		} else {
			out.With += taken.Count
		}
		if taken.Data {
			out.Data += taken.Count
		}
	}
	return out
}

// Destroys counts what the application's changes take away, whether it is blocked or
// not.
func (a *Application) Destroys() Destroyed {
	var out Destroyed
	for i := range a.Changes {
		out = out.plus(a.Changes[i].Destroys())
	}
	return out
}

// Destroys counts what the plan takes away: of the applications that are not blocked.
func (p *Plan) Destroys() Destroyed {
	var out Destroyed
	for i := range p.Applications {
		if a := &p.Applications[i]; !a.IsBlocked() {
			out = out.plus(a.Destroys())
		}
	}
	return out
}

// Budget is how many objects may be destroyed, given what the configuration allows:
// more where the plan was made with more. False is any number.
func (p *Plan) Budget(most *int) (int, bool) {
	switch {
	case most == nil:
		return 0, false
	case p.AllowDestroyed != nil && *p.AllowDestroyed > *most:
		return *p.AllowDestroyed, true
	}
	return *most, true
}
