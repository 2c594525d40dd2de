package planfile

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gantrycd/gantry/plan"
)

// Validate holds a plan to what its type promises: indices point to something,
// what a step needs comes before it, and actions, kinds and phases are known.
// Errors are ErrInvalid.
func Validate(p *plan.Plan) error {
	clusters := make(map[string]bool, len(p.Clusters))
	for _, cluster := range p.Clusters {
		if cluster.Name == "" || clusters[cluster.Name] {
			return invalid("cluster %q has no name or is there twice", cluster.Name)
		}
		clusters[cluster.Name] = true
	}
	if p.Act != nil && (p.Act.Name == "" || p.Act.Object != nil && (p.Act.Object.Kind == "" || p.Act.Object.Name == "")) {
		return invalid("its act has no name, or is done to an object without kind or name")
	}
	for i, generator := range p.Generators {
		if generator.Address.Kind != "generator" || i > 0 && p.Generators[i-1].Address.Compare(generator.Address) >= 0 {
			return invalid("generator %d, %q, is none, is there twice or not in order", i, generator.Address)
		}
		if !slices.IsSorted(generator.Keys) || !slices.IsSorted(generator.Removed) {
			return invalid("%s: its keys are not in order", generator.Address)
		}
	}
	for i := range p.Applications {
		application := &p.Applications[i]
		if application.Address.IsZero() {
			return invalid("application %d has no address", i)
		}
		if i > 0 && p.Applications[i-1].Address.Compare(application.Address) >= 0 {
			return invalid("%s is there twice or not in order", application.Address)
		}
		if err := validateApplication(application, clusters); err != nil {
			return invalid("%s: %w", application.Address, err)
		}
	}
	for i := range p.Steps {
		if err := validateStep(p, i); err != nil {
			return invalid("step %d: %w", i, err)
		}
	}
	if err := validateNotify(p); err != nil {
		return err
	}
	return validateRollouts(p)
}

// validateRollouts checks that no application is in two places.
func validateRollouts(p *plan.Plan) error {
	in := make([]bool, len(p.Applications))
	for i := range p.Rollouts {
		rollout := &p.Rollouts[i]
		if rollout.Address.Kind != "rollout" || len(rollout.Steps) == 0 {
			return invalid("rollout %d, %q, is none, or has no steps", i, rollout.Address)
		}
		for _, step := range rollout.Steps {
			if step.MaxUpdate < 0 || step.Bake < 0 {
				return invalid("%s: it moves %d at once and bakes for %s", rollout.Address, step.MaxUpdate, step.Bake)
			}
			for _, application := range step.Applications {
				if application < 0 || application >= len(in) {
					return invalid("%s: there is no application %d", rollout.Address, application)
				}
				if in[application] {
					return invalid("%s: application %d is in two places", rollout.Address, application)
				}
				in[application] = true
			}
		}
	}
	return nil
}

func validateApplication(a *plan.Application, clusters map[string]bool) error {
	if a.Cluster != "" && !clusters[a.Cluster] {
		return fmt.Errorf("there is no cluster %q", a.Cluster)
	}
	if a.Cluster == "" && len(a.Changes) > 0 {
		return errors.New("there are changes and no cluster")
	}
	for i := range a.Changes {
		change := &a.Changes[i]
		switch {
		case change.ID.Kind == "" || change.ID.Name == "" && (change.Action != plan.Run && change.Action != plan.Remember || change.Body.GenerateName() == ""):
			return fmt.Errorf("change %d has no kind or no name", i)
		case !slices.Contains(plan.Actions(), change.Action):
			return fmt.Errorf("%s: unknown action %q", change.ID, change.Action)
		case !slices.Contains(phases(), change.Phase):
			return fmt.Errorf("%s: unknown phase %q", change.ID, change.Phase)
		case change.Source < 0 || change.Source >= max(1, len(a.Sources)):
			return fmt.Errorf("%s: there is no source %d", change.ID, change.Source)
		case change.Body != nil && change.Body.Kind() != change.ID.Kind:
			return fmt.Errorf("%s: its body is a %s", change.ID, change.Body.Kind())
		case change.Secret != nil && change.Body == nil || change.Sealed != nil && change.Body == nil:
			return fmt.Errorf("%s: something is sealed and there is no body", change.ID)
		}
		if err := validateMethod(change); err != nil {
			return fmt.Errorf("%s: %w", change.ID, err)
		}
		for _, field := range change.Fields {
			if field.Path == "" || field.Kind != plan.Added && field.Kind != plan.Removed && field.Kind != plan.Changed {
				return fmt.Errorf("%s: field %q changes in an unknown way %q", change.ID, field.Path, field.Kind)
			}
		}
	}
	return nil
}

func validateMethod(c *plan.Change) error {
	switch c.Method {
	case "", plan.MethodPut:
	case plan.MethodPatch:
		if c.Action != plan.Update || c.Body == nil {
			return errors.New("only an update with a body can be a patch")
		}
	default:
		return fmt.Errorf("unknown method %q", c.Method)
	}
	if c.Subresource != "" && c.Method != plan.MethodPatch {
		return fmt.Errorf("only a patch can be of a subresource, %q", c.Subresource)
	}
	return nil
}

func validateStep(p *plan.Plan, i int) error {
	step := &p.Steps[i]
	if step.Application < 0 || step.Application >= len(p.Applications) {
		return fmt.Errorf("there is no application %d", step.Application)
	}
	changes := len(p.Applications[step.Application].Changes)
	switch step.Kind {
	case plan.StepWrite, plan.StepDelete:
		if step.Change < 0 || step.Change >= changes {
			return fmt.Errorf("there is no change %d", step.Change)
		}
	case plan.StepWait:
		for _, change := range step.Changes {
			if change < 0 || change >= changes {
				return fmt.Errorf("there is no change %d", change)
			}
		}
	case plan.StepRecord:
	default:
		return fmt.Errorf("unknown kind %q", step.Kind)
	}
	if step.On != plan.OnSuccess && step.On != plan.OnFailure {
		return fmt.Errorf("it is taken on %q, which is unknown", step.On)
	}
	if !slices.Contains(phases(), step.Phase) {
		return fmt.Errorf("unknown phase %q", step.Phase)
	}
	for _, need := range step.Needs {
		if need < 0 || need >= len(p.Steps) {
			return fmt.Errorf("it needs step %d, which is not there", need)
		}
		if need >= i {
			return fmt.Errorf("it needs step %d, which comes later", need)
		}
	}
	return nil
}

func phases() []plan.Phase {
	return []plan.Phase{
		"", plan.PhasePreSync, plan.PhaseSync, plan.PhasePostSync, plan.PhaseSyncFail, plan.PhasePreDelete, plan.PhasePostDelete,
	}
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrInvalid, fmt.Errorf(format, args...))
}
