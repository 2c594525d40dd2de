package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/providers"
)

// onceKnown finds out how the kind of a change is served that nobody knew when it was
// planned, as soon as it is, and notes it in the change.
func (p *progress) onceKnown(ctx context.Context, c *plan.Change) error {
	deadline := p.applying.engine.options.Now().Add(servingTimeout)
	for {
		served, err := p.session.cluster.Resource(ctx, c.GVK())
		switch {
		case err == nil && served.Namespaced != c.Namespaced:
			return staleError(fmt.Sprintf("%s was planned as an object %s a namespace, for its kind was not known; it is one %s", c.ID, inOrOutside(c.Namespaced), inOrOutside(served.Namespaced)))
		case err == nil:
			c.Plural = served.Plural
			return nil
		case !errors.Is(err, providers.ErrUnknownKind):
			return err
		case p.applying.engine.options.Now().After(deadline):
			return fmt.Errorf("%w: nothing has brought the kind for %s", err, plan.Spell(servingTimeout))
		}
		p.session.cluster.Refresh()
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
}

func inOrOutside(namespaced bool) string {
	if namespaced {
		return "in"
	}
	return "without"
}
