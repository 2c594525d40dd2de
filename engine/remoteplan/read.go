package remoteplan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/gantrycd/gantry/state"
)

// badError says that what a key holds is nothing that gantry writes.
type badError struct{ why string }

// Error implements error.
func (e *badError) Error() string { return e.why }

// readRequest reads a request; ErrNotFound where it was withdrawn, and a *badError where it
// cannot be one.
func (b box) readRequest(ctx context.Context, id string) (*Request, error) {
	value, _, err := b.Get(ctx, requests+"/"+id)
	if err != nil {
		return nil, err
	}
	if len(value) > maxRequest {
		return nil, &badError{fmt.Sprintf("the request is %d bytes long, and %d are the most", len(value), maxRequest)}
	}
	found := &Request{}
	if err := strictly(value, found); err != nil {
		return nil, &badError{"the request is not what gantry writes: " + Clean(err.Error(), maxText)}
	}
	if err := found.check(id); err != nil {
		return nil, &badError{"the request is not what gantry writes: " + err.Error()}
	}
	found.By = Clean(found.By, maxText)
	return found, nil
}

// strictly decodes one JSON value with no member that is not known.
func strictly(value []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("there is something behind it")
	}
	return nil
}

// readAnswer reads the answer to a request with its version; nil and "" where there is none.
func (b box) readAnswer(ctx context.Context, id string) (*Answer, string, error) {
	value, version, err := b.Get(ctx, answers+"/"+id)
	if errors.Is(err, state.ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	if len(value) > maxAnswer {
		return nil, version, &badError{fmt.Sprintf("the answer to the request %s is %d bytes long, and %d are the most", id, len(value), maxAnswer)}
	}
	found := &Answer{}
	if err := json.Unmarshal(value, found); err != nil {
		return nil, version, &badError{fmt.Sprintf("the answer to the request %s is not what a planner writes: %s", id, Clean(err.Error(), maxText))}
	}
	if err := found.check(id); err != nil {
		return nil, version, &badError{err.Error()}
	}
	return found, version, nil
}

// writeAnswer writes an answer over a version.
func (b box) writeAnswer(ctx context.Context, a *Answer, version string) (string, error) {
	a.FormatVersion = formatVersion
	text, err := json.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("an answer cannot be written: %w", err)
	}
	return b.Put(ctx, answers+"/"+a.ID, text, version)
}

// readPresences returns the planners that say that they are there, by key, with the version of
// each. What cannot be read is left out: it says of nobody that they are there.
func (b box) readPresences(ctx context.Context) (map[string]Presence, map[string]string, error) {
	keys, err := b.List(ctx, planners)
	if err != nil {
		return nil, nil, err
	}
	found, versions := map[string]Presence{}, map[string]string{}
	for _, key := range keys {
		value, version, err := b.Get(ctx, key)
		if errors.Is(err, state.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		var one Presence
		if len(value) > maxRequest || json.Unmarshal(value, &one) != nil || one.FormatVersion != formatVersion {
			continue
		}
		one.Who, one.Path = Clean(one.Who, maxText), Clean(one.Path, maxText)
		for i, url := range one.Repositories {
			one.Repositories[i] = Clean(url, maxText)
		}
		found[key], versions[key] = one, version
	}
	return found, versions, nil
}

// remove removes a key, whatever it holds.
func (b box) remove(ctx context.Context, key string) error {
	for {
		_, version, err := b.Get(ctx, key)
		if errors.Is(err, state.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err = b.Delete(ctx, key, version); !errors.Is(err, state.ErrConflict) {
			if errors.Is(err, state.ErrNotFound) {
				return nil
			}
			return err
		}
	}
}

// idOf is the ID in a key below a prefix; empty where it cannot be one.
func idOf(prefix, key string) string {
	id, ok := strings.CutPrefix(key, prefix+"/")
	if !ok || len(id) != 36 || strings.Trim(id, "0123456789abcdef-") != "" {
		return ""
	}
	return id
}
