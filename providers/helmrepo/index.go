package helmrepo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/revision"
)

// index is what an index.yaml says. What else is in one is of no use here.
type index struct {
	APIVersion string              `json:"apiVersion"`
	Entries    map[string][]*entry `json:"entries"`
}

// entry is one version of a chart.
type entry struct {
	Version    string   `json:"version"`
	Digest     string   `json:"digest"`
	URLs       []string `json:"urls"`
	Deprecated bool     `json:"deprecated"`
	Removed    bool     `json:"removed"`
}

// parseIndex reads an index, which is YAML or JSON. Entries that are not whole
// are passed over, as in Helm: one bad chart does not spoil a repository.
func parseIndex(content []byte) (*index, error) {
	if len(bytes.TrimSpace(content)) == 0 {
		return nil, errors.New("it is empty")
	}
	parsed := &index{}
	var err error
	if json.Valid(content) {
		err = json.Unmarshal(content, parsed)
	} else {
		err = yaml.Unmarshal(content, parsed)
	}
	if err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", shorten(err))
	}
	if parsed.Entries == nil {
		return nil, errors.New("it is no index of a Helm repository: it has no entries")
	}
	for name, entries := range parsed.Entries {
		parsed.Entries[name] = slices.DeleteFunc(entries, func(e *entry) bool {
			if e == nil || e.Removed {
				return true
			}
			_, err := semver.NewVersion(e.Version)
			return err != nil
		})
	}
	return parsed, nil
}

// shorten keeps the text of a parser's error from being the whole document.
func shorten(err error) error {
	const most = 200
	text := strings.ToValidUTF8(strings.Join(strings.Fields(err.Error()), " "), "")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return errors.New(text)
}

// choose returns the entry of a chart that a revision asks for. A deprecated
// version is only chosen where no other is in the range, or by its exact name.
func (i *index) choose(name, wanted string) (*entry, error) {
	entries := i.Entries[name]
	if len(entries) == 0 {
		names := make([]string, 0, len(i.Entries))
		for other := range i.Entries {
			names = append(names, other)
		}
		return nil, fmt.Errorf("the chart is %w%s", providers.ErrNotFound, revision.Hint(name, names))
	}
	for _, e := range entries {
		if e.Version == wanted || e.Version == "v"+wanted || "v"+e.Version == wanted {
			return e, nil
		}
	}
	within := revision.Stable()
	if wanted != "" {
		var ok bool
		if within, ok = revision.ParseRange(wanted); !ok || within.Prefix != "" {
			return nil, fmt.Errorf("version %q is %w%s", wanted, providers.ErrNotFound, available(entries))
		}
	}
	for _, deprecated := range []bool{false, true} {
		if e := newest(within, entries, deprecated); e != nil {
			return e, nil
		}
	}
	if wanted == "" {
		return nil, fmt.Errorf("a version that is no pre-release is %w; name one%s", providers.ErrNotFound, available(entries))
	}
	return nil, fmt.Errorf("a version in the range %q is %w%s", wanted, providers.ErrNotFound, available(entries))
}

func newest(within revision.Range, entries []*entry, deprecated bool) *entry {
	byVersion := map[string]*entry{}
	var versions []string
	for _, e := range entries {
		if e.Deprecated == deprecated && byVersion[e.Version] == nil {
			byVersion[e.Version] = e
			versions = append(versions, e.Version)
		}
	}
	version, ok := within.Newest(versions)
	if !ok {
		return nil
	}
	return byVersion[version]
}

// available names the newest versions, and what is deprecated of them.
func available(entries []*entry) string {
	deprecated := map[string]bool{}
	versions := make([]string, 0, len(entries))
	for _, e := range entries {
		versions = append(versions, e.Version)
		deprecated[e.Version] = e.Deprecated
	}
	newest := revision.Latest(versions, 5)
	for i, version := range newest {
		if deprecated[version] {
			newest[i] += " (deprecated)"
		}
	}
	return "; the newest are " + strings.Join(newest, ", ")
}
