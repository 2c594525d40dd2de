package addr

import "slices"

// Covers reports whether a is b, or stands for it: a block stands for its
// instances, a module for all that is in it, and a module without a key for each of
// its instances.
func (a Address) Covers(b Address) bool {
	if a.Kind == "module" {
		within := b.modules()
		if b.Kind == "module" {
			within = append(within, b)
		}
		return coverSteps(append(a.modules(), a), within)
	}
	if a.Kind != b.Kind || a.Type != b.Type || a.Name != b.Name || a.HasKey && !b.HasKey || a.HasKey && a.Key != b.Key {
		return false
	}
	if a.Module == b.Module {
		return true
	}
	above, within := a.modules(), b.modules()
	return len(above) == len(within) && coverSteps(above, within)
}

// coverSteps reports whether calls of modules begin with others, keys that are left
// out standing for any.
func coverSteps(above, within []Address) bool {
	if len(within) < len(above) {
		return false
	}
	for i, step := range above {
		if step.Name != within[i].Name || step.HasKey && (!within[i].HasKey || step.Key != within[i].Key) {
			return false
		}
	}
	return true
}

// modules returns the calls of modules that an address is in, outermost first.
func (a Address) modules() []Address {
	var steps []Address
	for module := a.Module; module != ""; {
		step, err := Parse(module)
		if err != nil {
			return nil
		}
		module = step.Module
		steps = append(steps, step)
	}
	slices.Reverse(steps)
	return steps
}
