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
const FormatVersion = 1

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
		mend += ", or delete it, after which gantry no longer knows what the application owns"
	}
	return fmt.Sprintf("state is broken at key %s: %s; %s", e.Key, e.Reason, mend)
}

func encode(value any) ([]byte, error) {
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encoding state: %w", err)
	}
	return append(text, '\n'), nil
}

// decode reads a value that encode wrote, and nothing else. Numbers of free
// form come out as int64 or float64, as object.Object asks for.
func decode(key string, text []byte, into any) error {
	var format struct {
		FormatVersion int `json:"formatVersion"`
	}
	if err := json.Unmarshal(text, &format); err != nil {
		return &BrokenError{Key: key, Reason: "it is not valid JSON of its kind: " + err.Error()}
	}
	if format.FormatVersion > FormatVersion {
		return fmt.Errorf("%w: %s has format %d, and this one reads up to %d; use the newer gantry",
			ErrNewer, key, format.FormatVersion, FormatVersion)
	}
	if format.FormatVersion < 1 {
		return &BrokenError{Key: key, Reason: "it has no formatVersion"}
	}
	strict, err := kjson.UnmarshalStrict(text, into)
	if err = errors.Join(append(strict, err)...); err != nil {
		return &BrokenError{Key: key, Reason: err.Error()}
	}
	return nil
}

// stamp is a time as it is written: UTC, to the millisecond.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
