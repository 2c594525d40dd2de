package plan

// ToConfirm lists the application's deletions that are carried out only where someone has
// confirmed them, in the order of its changes.
func (a *Application) ToConfirm() []*Change {
	var out []*Change
	for i := range a.Changes {
		if c := &a.Changes[i]; c.Confirm && c.Action == Prune {
			out = append(out, c)
		}
	}
	return out
}
