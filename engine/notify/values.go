package notify

import (
	"encoding/json"
	"time"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"github.com/gantrycd/gantry/lang/late"
	"github.com/gantrycd/gantry/lang/value"
	"github.com/gantrycd/gantry/plan/object"
)

// values are a case as expressions see it; escape is done to every text of it.
func (c *Case) values(escape func(string) string) (late.Values, error) {
	text := func(s string) cty.Value {
		if s == "" {
			return cty.NullVal(cty.String)
		}
		return cty.StringVal(escape(s))
	}
	texts := func(m map[string]string) cty.Value {
		if len(m) == 0 {
			return cty.MapValEmpty(cty.String)
		}
		out := make(map[string]cty.Value, len(m))
		for key, s := range m {
			out[key] = cty.StringVal(escape(s))
		}
		return cty.MapVal(out)
	}
	moment := func(t time.Time) cty.Value {
		if t.IsZero() {
			return cty.NullVal(cty.String)
		}
		return cty.StringVal(stamp(t).Format(time.RFC3339Nano))
	}
	revisions := cty.ListValEmpty(cty.String)
	if len(c.Revisions) > 0 {
		var list []cty.Value
		for _, revision := range c.Revisions {
			list = append(list, cty.StringVal(escape(revision)))
		}
		revisions = cty.ListVal(list)
	}
	health, sync := c.Health.Status, c.Sync
	if health == "" {
		health = Unknown
	}
	if sync == "" {
		sync = Unknown
	}
	phase := c.Operation.Phase // never null, since conditions look for it among others
	return late.Trigger.Values(map[string]cty.Value{"app": cty.ObjectVal(map[string]cty.Value{
		"address": text(c.Address.String()), "name": text(c.Name), "namespace": text(c.Namespace), "project": text(c.Project),
		"labels": texts(c.Labels), "info": texts(c.Info),
		"cluster": cty.ObjectVal(map[string]cty.Value{
			"name": text(c.Cluster), "server": text(c.Server), "labels": texts(c.ClusterLabels), "annotations": texts(c.ClusterAnnotations),
		}),
		"sync":   cty.ObjectVal(map[string]cty.Value{"status": text(sync), "revision": text(c.revision()), "revisions": revisions}),
		"health": cty.ObjectVal(map[string]cty.Value{"status": text(health), "message": text(c.Health.Message)}),
		"operation": cty.ObjectVal(map[string]cty.Value{
			"phase": cty.StringVal(phase), "message": text(c.Operation.Message), "automated": cty.BoolVal(c.Operation.Automated), "by": text(c.Operation.By),
			"started_at": moment(c.Operation.StartedAt), "finished_at": moment(c.Operation.FinishedAt),
		}),
		"leaving": cty.BoolVal(c.Leaving),
		"plan": cty.ObjectVal(map[string]cty.Value{
			"digest": text(c.Digest), "changes": cty.NumberIntVal(int64(c.Changes)), "deletions": cty.NumberIntVal(int64(c.Deletions)),
		}),
	})})
}

// stamp is a time as it is kept: UTC, to the millisecond.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// plainly leaves a text as it is.
func plainly(s string) string { return s }

// shaped turns a value into one that is JSON-shaped. One that holds something sensitive is
// redacted as a whole.
func shaped(v cty.Value) (any, error) {
	if value.IsSensitive(v) {
		return object.Redacted, nil
	}
	v, _ = v.UnmarkDeep()
	if v.IsNull() {
		return nil, nil
	}
	text, err := ctyjson.Marshal(v, v.Type())
	if err != nil {
		return nil, err
	}
	var out any
	return out, json.Unmarshal(text, &out)
}
