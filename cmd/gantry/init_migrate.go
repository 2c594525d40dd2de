package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/state"
	"github.com/gantrycd/gantry/state/migrate"
	"github.com/gantrycd/gantry/state/process"
)

// migration is what `gantry init --migrate-state --json` prints of it.
type migration struct {
	From   string `json:"from"`
	To     string `json:"to"`
	DryRun bool   `json:"dryRun,omitempty"`
	left   string // what can be removed, for people
	*migrate.Result
}

// migrateState moves the state to where the configuration has it from now on.
func (c *cli) migrateState(ctx context.Context, dir string, named place, options initOptions) (*migration, error) {
	to, err := c.settle(named)
	if err != nil {
		return nil, err
	}
	from, err := c.migrateFrom(ctx, dir, to, options)
	if err != nil {
		return nil, err
	}
	out := &migration{From: from.shown(dir), To: to.shown(dir), DryRun: options.dryRun, left: from.shown(dir)}
	if from.isLocal() {
		out.left = filepath.Join(out.From, "state") // the identity beside it is still needed
	}
	same, err := c.samePlace(ctx, dir, from, to)
	if err != nil {
		return nil, failure("State cannot be moved", err)
	}
	if same {
		return nil, failure("State cannot be moved", fmt.Errorf("it is in %s already, which is where it is to go", out.To))
	}
	stores := [2]state.Store{}
	for i, p := range []place{from, to} {
		if stores[i], err = c.openStore(ctx, dir, p); err != nil {
			return nil, failure("State cannot be opened", fmt.Errorf("%s: %w", p.shown(dir), said(p, err)))
		}
	}
	out.Result, err = migrate.Run(ctx, migrate.Options{
		From: migrate.Side{Store: stores[0], At: locationOf(dir, from)}, To: migrate.Side{Store: stores[1], At: locationOf(dir, to)},
		Holder: process.Self("gantry init --migrate-state", time.Now()),
		Lease:  state.LeaseOptions{Dead: process.Dead, Wait: options.lockTimeout}, DryRun: options.dryRun,
	})
	var lost *state.LockedError
	switch {
	case errors.As(err, &lost):
		return nil, failure("State is held", fmt.Errorf("%w. Nothing was moved. Try again, or wait for it with --lock-timeout", err))
	case err != nil:
		return nil, failure("State cannot be moved", fmt.Errorf("%w. Once that is mended, run the same command again: it goes on where this one ended, and until then the old state counts, or none is opened", err))
	case options.dryRun:
		return out, nil
	}
	records, err := c.openArrived(ctx, stores[1])
	if err != nil {
		return nil, err
	}
	if err := moveIdentity(from.folder(dir), to.folder(dir)); err != nil {
		return nil, failure("Identity cannot be copied", err)
	}
	if err := c.rememberPlace(dir, to, records); err != nil {
		return nil, err
	}
	if !out.Already {
		c.auditAfter(ctx, dir, to, state.Event{Kind: state.EventMigrated, Reason: fmt.Sprintf("from %s to %s", out.From, out.To)}, "gantry init --migrate-state")
	}
	return out, nil
}

// auditAfter enters into the audit log of a state that has come to a place that it has. Where
// that cannot be done, as without the key that the log is encrypted with, people are told.
func (c *cli) auditAfter(ctx context.Context, dir string, at place, event state.Event, command string) {
	if event.By.Who == "" {
		event.By = process.Self(command, time.Now())
	}
	records, err := c.openAt(ctx, dir, at, state.Existing())
	if err == nil {
		err = records.Audit(ctx, event)
	}
	if err != nil {
		fmt.Fprintf(c.err, "It is done, and not in the audit log: %s\n", printable(err.Error()))
	}
}

// openArrived returns the lineage of a state that was moved, by what is in clear of it.
func (c *cli) openArrived(ctx context.Context, store state.Store) (lineage string, err error) {
	value, _, err := store.Get(ctx, state.InstallationKey)
	if err != nil {
		return "", failure("State cannot be opened", err)
	}
	return migrate.Lineage(value), nil
}

// migrateFrom is where a state comes from: what flags say, or what the directory has
// worked with.
func (c *cli) migrateFrom(ctx context.Context, dir string, to place, options initOptions) (place, error) {
	named := place{Backend: plan.Backend{Type: options.from.kind}}
	known, err := c.recall(ctx, dir, to)
	if err != nil {
		return place{}, failure("State cannot be moved", err)
	}
	if known != nil && (options.from.kind == "" || options.from.kind == known.Type) {
		named.Type, named.Arguments = known.Type, known.Arguments
	}
	if named.Type == "" {
		return place{}, failure("Nothing to move", errors.New("this directory has worked with no state but the one that the configuration names. Say with --from and --from-config where the state is"))
	}
	// What logs in to it is not remembered.
	environment, err := c.backendEnvironment()
	if err != nil {
		return place{}, failure("Invalid backend", err)
	}
	named.credentials = map[string]target.Credential{}
	for _, argument := range lang.BackendArguments(named.Type) {
		if value := environment[argument.Name]; value != "" && argument.Sensitive {
			named.credentials[argument.Name] = target.Credential{Value: object.Sensitive(value)}
		}
	}
	from := options.from
	from.kind = ""
	out, err := from.over(named, nil, "")
	if err != nil {
		return place{}, failure("Invalid backend", fmt.Errorf("of --from: %w", err))
	}
	out.from, out.settled = []string{"--from", "--from-config"}, true
	return out, nil
}

// samePlace reports whether two places are one.
func (c *cli) samePlace(ctx context.Context, dir string, a, b place) (bool, error) {
	if a.Type != b.Type {
		return false, nil
	}
	if a.isLocal() {
		return filepath.Clean(a.folder(dir)) == filepath.Clean(b.folder(dir)), nil
	}
	ones, err := c.credentials(ctx, dir, a)
	if err != nil {
		return false, err
	}
	others, err := c.credentials(ctx, dir, b)
	if err != nil {
		return false, err
	}
	// How one logs in makes no other place, but a URL is one.
	return a.String() == b.String() && ones["url"] == others["url"] && (a.Type != "kubernetes" || maps.Equal(a.Arguments, b.Arguments)), nil
}

// locationOf names a place for whoever finds the state gone.
func locationOf(dir string, p place) state.Location {
	arguments := maps.Clone(p.Arguments)
	shown := p.shown(dir)
	if p.isLocal() {
		if absolute, err := filepath.Abs(shown); err == nil {
			shown = absolute
		}
	}
	return state.Location{Type: p.Type, Arguments: arguments, Place: shown}
}

// moveIdentity copies the identity of a state to where it is looked for from now on. One
// that is there stays.
func moveIdentity(from, to string) error {
	data, err := os.ReadFile(filepath.Join(from, "identity"))
	if errors.Is(err, fs.ErrNotExist) || filepath.Clean(from) == filepath.Clean(to) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(to, "identity"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Sync(), file.Close())
}

// showMigration tells people what was moved.
func (c *cli) showMigration(m *migration) {
	if m == nil {
		return
	}
	switch {
	case m.DryRun:
		fmt.Fprintf(c.out, "Would move the state from %s to %s: %s, %d bytes\n", m.From, m.To, count(m.Keys, "key"), m.Bytes)
	case m.Already:
		fmt.Fprintf(c.out, "The state was moved from %s to %s before\n", m.From, m.To)
		return
	default:
		fmt.Fprintf(c.out, "Moved the state from %s to %s: %s written, %d read back and the same\n", m.From, m.To, count(m.Written, "key"), m.Verified)
	}
	for _, kind := range schema.SortedKeys(m.Kinds) {
		fmt.Fprintf(c.out, "  %s: %d\n", kind, m.Kinds[kind])
	}
	if !m.DryRun {
		fmt.Fprintf(c.out, "What is left in %s is marked as moved: nobody opens it, and it can be removed\n", m.left)
	}
}
