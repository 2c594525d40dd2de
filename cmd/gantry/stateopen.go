package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/process"
)

// openedState is the state that a configuration names, to be looked at or mended.
type openedState struct {
	cli     *cli
	records *state.Records
	by      state.Holder
	asker   *asker // nil where the state is opened for a command that has asked already
}

// openState opens the state of the configuration in the directory. command is who asks.
func (c *cli) openState(ctx context.Context, command string) (*openedState, error) {
	dir, err := c.directory()
	if err != nil {
		return nil, err
	}
	read, diags, err := c.evaluate(ctx, &inputs{partial: true}, nil)
	if err != nil {
		return nil, err
	}
	if read.config.Settings.Backend.Type == lang.UnknownBackend {
		c.printDiagnostics(read.files, diags)
		return nil, failed(diags)
	}
	records, err := c.openExisting(ctx, dir, backendOf(read.config))
	if errors.Is(err, state.ErrNoInstallation) {
		return nil, failure("No state here", fmt.Errorf("%w: it is made by the first plan or apply. If there was one, \"gantry state rebuild\" recovers it from the clusters", err))
	}
	if err != nil {
		return nil, failure("State cannot be opened", err)
	}
	asker, err := c.asking(ctx, command, read.config)
	if err != nil {
		return nil, err
	}
	return &openedState{cli: c, records: records, by: asker.by, asker: asker}, nil
}

// list reads all records. Those that cannot be read are told, and are an error beside the
// others.
func (s *openedState) list(ctx context.Context) ([]state.Versioned, error) {
	records, err := s.records.List(ctx)
	if err == nil {
		return records, nil
	}
	if len(records) == 0 {
		return nil, failure("State cannot be read", err)
	}
	s.cli.printDiagnostics(nil, errorDiagnostic("State cannot be read", sentence(err)))
	return records, exitCode(exitError)
}

// record reads the record of an application that there must be.
func (s *openedState) record(ctx context.Context, address addr.Address) (*state.Record, error) {
	record, _, err := s.records.Get(ctx, address)
	if err != nil {
		return nil, failure("State cannot be read", err)
	}
	if record == nil {
		return nil, s.unknown(ctx, address)
	}
	return record, nil
}

// unknown refuses an address that the state does not have.
func (s *openedState) unknown(ctx context.Context, address addr.Address) error {
	text := fmt.Sprintf("the state has no %s", address)
	if near := schema.Suggest(address.String(), s.addresses(ctx)); near != "" {
		text += fmt.Sprintf(". Did you mean %s?", near)
	}
	return failure("Unknown application", errors.New(text))
}

// addresses lists what the state has, as far as it can be read.
func (s *openedState) addresses(ctx context.Context) []string {
	records, _ := s.records.List(ctx)
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = r.Address.String()
	}
	return out
}

// alone does what nobody else may be at work beside, once it is in the audit log: without
// that it is not done. What fails afterwards is logged, too.
func (s *openedState) alone(ctx context.Context, event state.Event, do func(*state.Records) error) (err error) {
	lease, err := s.records.EnterWhole(ctx, s.by, state.LeaseOptions{Dead: process.Dead})
	if errors.Is(err, state.ErrLocked) {
		return failure("State is held", err)
	}
	if err != nil {
		return failure("State cannot be written", err)
	}
	defer func() {
		if releaseErr := lease.Release(context.WithoutCancel(ctx)); err == nil && releaseErr != nil {
			err = failure("State is still held", fmt.Errorf("%w. It becomes free by itself when the lease expires", releaseErr))
		}
	}()
	records := s.records.Under(lease)
	event.By = s.by
	if err := records.Audit(ctx, event); err != nil {
		return failure("Not recorded in the audit log", fmt.Errorf("nothing was changed: %w", err))
	}
	if err := do(records); err != nil {
		event.Outcome, event.Message = "failed", err.Error()
		if auditErr := records.Audit(context.WithoutCancel(ctx), event); auditErr != nil {
			err = errors.Join(err, auditErr)
		}
		return failure("State cannot be written", err)
	}
	return nil
}

// parseApplication reads the address of an application.
func parseApplication(text string) (addr.Address, error) {
	address, err := addr.Parse(text)
	if err != nil {
		return addr.Address{}, err
	}
	if address.Kind != "application" {
		return addr.Address{}, fmt.Errorf("%s is no application", text)
	}
	return address, nil
}

// parseApplications reads the addresses of applications.
func parseApplications(texts []string) ([]addr.Address, error) {
	out := make([]addr.Address, len(texts))
	for i, text := range texts {
		var err error
		if out[i], err = parseApplication(text); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// recordedCompletions offers the applications of the state, for the first most arguments.
func (c *cli) recordedCompletions(most int) completer {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if most >= 0 && len(args) >= most {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		opened, err := c.openState(cmd.Context(), "")
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return opened.addresses(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
	}
}

// addressPattern returns what tells whether an address is one that a pattern means: the
// address itself, the instances of a block, what is in a module, or, with "*" in it, what
// has anything in the place of each.
func addressPattern(pattern string) func(addr.Address) bool {
	parts := strings.Split(pattern, "*")
	return func(address addr.Address) bool {
		text := address.String()
		if len(parts) == 1 {
			return text == pattern || strings.HasPrefix(text, pattern+"[") || strings.HasPrefix(text, pattern+".")
		}
		rest, ok := strings.CutPrefix(text, parts[0])
		for _, part := range parts[1 : len(parts)-1] {
			_, after, found := strings.Cut(rest, part)
			rest, ok = after, ok && found
		}
		return ok && strings.HasSuffix(rest, parts[len(parts)-1])
	}
}
