package lang

import (
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/lang/govern"
	"github.com/gantrycd/gantry/lang/schema"
)

// subscribe follows the annotations of applications that subscribe to messages, as Argo
// CD's do.
func (f *finisher) subscribe() {
	c := f.config
	for _, app := range c.Applications {
		for _, name := range schema.SortedKeys(app.Annotations) {
			if !govern.IsSubscription(name) {
				continue
			}
			notify, problem := govern.Subscribe(name, app.Annotations[name], c.Triggers, c.Notifiers, app.Range)
			if problem != "" {
				f.diags = append(f.diags, &hcl.Diagnostic{
					Severity: hcl.DiagError, Summary: "Subscription cannot be followed", Detail: problem, Subject: app.Range.Ptr(),
				})
				continue
			}
			app.Notify = append(slices.Clip(app.Notify), notify)
		}
	}
}
