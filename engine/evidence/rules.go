package evidence

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/gantrycd/gantry/engine"
	"github.com/gantrycd/gantry/lang"
)

// RulesDigest is "sha256:…" over all of a configuration that says who may apply what, and
// when: protection, identities, roles, projects, windows, policies, the forge and the
// backend. Where a rule stands in a file is no part of it.
func RulesDigest(config *lang.Config) string {
	guards := engine.GuardsOf(config)
	settings := &config.Settings
	rules := map[string]any{
		"protection": settings.Protection, "issuers": settings.Identity.Issuers, "keys": settings.Identity.Keys, "reviewers": reviewers(config),
		"backend": map[string]any{"type": settings.Backend.Type, "arguments": settings.Backend.Arguments},
		"roles":   guards.Roles, "projects": guards.Projects, "windows": windows(guards), "policies": guards.Policies,
	}
	if forge := settings.Forge; forge != nil {
		rules["forge"] = []string{forge.Type, forge.URL, forge.Repository, forge.CAData}
		if forge.Branch != "" {
			rules["branch"] = forge.Branch
		}
	}
	encoded, err := json.Marshal(rules)
	if err != nil {
		panic("rules that are no JSON: " + err.Error() + ". This is a bug in gantry")
	}
	var plain any
	if err := json.Unmarshal(encoded, &plain); err != nil {
		panic("rules that are no JSON: " + err.Error() + ". This is a bug in gantry")
	}
	if encoded, err = json.Marshal(withoutRanges(plain)); err != nil {
		panic("rules that are no JSON: " + err.Error() + ". This is a bug in gantry")
	}
	sum := sha256.Sum256(encoded)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// reviewers are the clusters that vouch for service accounts, without what logs in.
func reviewers(config *lang.Config) []any {
	var out []any
	for _, cluster := range config.Settings.Identity.Clusters {
		out = append(out, map[string]any{"name": cluster.Name, "audience": cluster.Audience, "connection": cluster.Connection})
	}
	return out
}

// windows are the sync windows of projects, by name, with their schedules as text.
func windows(guards *engine.Guards) map[string][]any {
	out := map[string][]any{}
	for project, all := range guards.Windows.Projects {
		for _, window := range all {
			out[project] = append(out[project], []any{window, window.Schedule.String()})
		}
	}
	return out
}

// withoutRanges takes out where something stands; of manifests nothing is.
func withoutRanges(value any) any {
	switch value := value.(type) {
	case map[string]any:
		delete(value, "range")
		delete(value, "Range")
		for name := range value {
			if name == "manifests" {
				continue
			}
			value[name] = withoutRanges(value[name])
		}
	case []any:
		for i := range value {
			value[i] = withoutRanges(value[i])
		}
	}
	return value
}
