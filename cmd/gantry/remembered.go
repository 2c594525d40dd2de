package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/state"
)

// rememberedFile is where a directory remembers which state it has worked with, so that
// another is not begun in its place.
const rememberedFile = "backend.json"

// remembered is the state that a directory has worked with.
type remembered struct {
	FormatVersion int               `json:"formatVersion"`
	Type          string            `json:"type"`
	Arguments     map[string]string `json:"arguments,omitempty"` // without credentials
	Lineage       string            `json:"lineage"`
}

// String names where it is, for people.
func (r *remembered) String() string { return lang.PlaceOf(r.Type, r.Arguments) }

// recall returns the state that a directory has worked with, where it is not in the
// place that goes without saying; nil for none.
func (c *cli) recall(ctx context.Context, dir string, at place) (*remembered, error) {
	path := filepath.Join(dir, stateFolder, rememberedFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c.recallUnsaid(ctx, dir, at)
	}
	if err != nil {
		return nil, err
	}
	found := &remembered{}
	if err := json.Unmarshal(data, found); err != nil || found.Lineage == "" {
		return nil, fmt.Errorf("%s is broken: restore it, or name the state that is meant with \"gantry init --reconfigure\"", path)
	}
	return found, nil
}

// recallUnsaid returns the state beside the configuration where another place is meant.
func (c *cli) recallUnsaid(ctx context.Context, dir string, at place) (*remembered, error) {
	folder := filepath.Join(dir, stateFolder)
	if at.isLocal() && filepath.Clean(at.folder(dir)) == filepath.Clean(folder) {
		return nil, nil
	}
	beside := place{settled: true, encryption: at.encryption, configured: at.configured}
	records, err := c.openAt(ctx, dir, beside, state.Existing())
	var moved *state.MovedError
	switch {
	case errors.Is(err, state.ErrNoInstallation), errors.As(err, &moved):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &remembered{Type: "local", Lineage: records.Lineage()}, nil
}

// rememberPlace has a directory remember where its state is.
func (c *cli) rememberPlace(dir string, at place, lineage string) error {
	folder := filepath.Join(dir, stateFolder)
	path := filepath.Join(folder, rememberedFile)
	have, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil && at.isLocal() && filepath.Clean(at.folder(dir)) == filepath.Clean(folder) {
		return nil // the place that goes without saying
	}
	text, err := json.MarshalIndent(remembered{FormatVersion: 1, Type: at.Type, Arguments: at.Arguments, Lineage: lineage}, "", "  ")
	if err != nil {
		return err
	}
	if text = append(text, '\n'); bytes.Equal(text, have) {
		return nil
	}
	if err := makeFolder(folder); err != nil {
		return err
	}
	return replaceFile(path, text)
}

// makeFolder makes a folder that keeps itself, and the key in it, out of repositories.
func makeFolder(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := writeNew(filepath.Join(folder, ".gitignore"), "*\n"); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// open opens what a settled place remembers. Where the directory has worked with a
// state, another is neither opened nor begun.
func (c *cli) open(ctx context.Context, dir string, at place, options ...state.Option) (*state.Records, error) {
	known, err := c.recall(ctx, dir, at)
	if err != nil {
		return nil, err
	}
	if known == nil || c.reconfigure {
		return c.openAt(ctx, dir, at, options...)
	}
	records, err := c.openAt(ctx, dir, at, append(options, state.Existing())...)
	if err == nil && records.Lineage() == known.Lineage {
		return records, nil
	}
	if err != nil && !errors.Is(err, state.ErrNoInstallation) {
		return nil, err
	}
	what := "there is none"
	if err == nil {
		what = "there is another one"
	}
	return nil, failure("State is elsewhere", fmt.Errorf(
		"the state of this directory was in %s, and is to be in %s, where %s. Run \"gantry init --migrate-state\" to move it, or \"gantry init --reconfigure\" to leave it where it was and go on with what is here", known, at.shown(dir), what))
}

// openAt opens what a settled place remembers, whatever the directory has worked with.
func (c *cli) openAt(ctx context.Context, dir string, at place, options ...state.Option) (*state.Records, error) {
	store, err := c.openEncrypted(ctx, dir, at)
	if err != nil {
		return nil, err
	}
	return state.Open(ctx, store, options...)
}
