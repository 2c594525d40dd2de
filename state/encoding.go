package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	kjson "sigs.k8s.io/json"
)

// FormatVersion is the form of what this gantry writes into a store. It grows
// whenever an older gantry would misread it or lose some of it: also when a
// member is added, since unknown ones are refused rather than dropped.
const FormatVersion = 2

// oldestFormat is the oldest form that is read. What is read in an older form is written
// in this one.
const oldestFormat = 1

// ErrNewer means that a newer gantry wrote the state.
var ErrNewer = errors.New("state was made by a newer gantry")

// BrokenError means that what a key holds is not what gantry wrote.
type BrokenError struct {
	Key    string
	Reason string
}

// Error implements error.
func (e *BrokenError) Error() string {
	mend := "restore this key from a backup of the state"
	if strings.HasPrefix(e.Key, recordPrefix+"/") {
		mend += ", or have \"gantry state rebuild\" write it anew from what the clusters have, without its history"
	}
	return fmt.Sprintf("state is broken at key %s: %s; %s", e.Key, e.Reason, mend)
}

// formatted is what a store holds: all of it says its form.
type formatted interface{ format() int }

func (r *Record) format() int       { return r.FormatVersion }
func (i *installation) format() int { return i.FormatVersion }
func (l *lease) format() int        { return l.FormatVersion }

func encode(value formatted) ([]byte, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encoding state: %w", err)
	}
	return append(text, '\n'), nil
}

// decode reads a value that encode wrote, and nothing else. Numbers of free
// form come out as int64 or float64, as object.Object asks for.
func decode(key string, text []byte, into formatted) error {
	strict, err := kjson.UnmarshalStrict(text, into)
	if format := into.format(); err == nil && len(strict) == 0 && oldestFormat <= format && format <= FormatVersion {
		return nil
	}
	// What is wrong is told apart only now, since it takes another pass.
	var found struct {
		FormatVersion int `json:"formatVersion"`
	}
	if err := json.Unmarshal(text, &found); err != nil {
		return &BrokenError{Key: key, Reason: "it is not valid JSON of its kind: " + err.Error()}
	}
	if found.FormatVersion > FormatVersion {
		return fmt.Errorf("%w: %s has format %d, and this one reads up to %d; use the newer gantry",
			ErrNewer, key, found.FormatVersion, FormatVersion)
	}
	if found.FormatVersion < 1 {
		return &BrokenError{Key: key, Reason: "it has no formatVersion"}
	}
	return &BrokenError{Key: key, Reason: errors.Join(append(strict, err)...).Error()}
}

// stamp is a time as it is written: UTC, to the millisecond.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
