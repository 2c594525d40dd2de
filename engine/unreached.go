package engine

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/gantrycd/gantry/plan/view/words"
)

// mostUnreached is how many applications the error of a cluster names.
const mostUnreached = 10

// draftDiagnostics are what is wrong with the drafts. That a cluster cannot be used is told
// once, with the applications that it costs.
func draftDiagnostics(drafts []*draft) hcl.Diagnostics {
	var out hcl.Diagnostics
	costs := map[*session][]string{}
	first := map[*session]*hcl.Diagnostic{}
	for _, d := range drafts {
		for _, diag := range d.diagnostics() {
			s := d.session
			if s == nil || s.err == nil || diag.Detail != fmt.Sprintf("%s: %s", d.address, clusterError(s)) {
				out = append(out, diag)
				continue
			}
			costs[s] = append(costs[s], d.address.String())
			if first[s] == nil {
				first[s] = diag
				out = append(out, diag)
			}
		}
	}
	for s, names := range costs {
		if more := len(names) - mostUnreached; more > 0 {
			names = append(names[:mostUnreached], fmt.Sprintf("%d more", more))
		}
		first[s].Detail = fmt.Sprintf("%s: %s", words.Join(names), clusterError(s))
	}
	return out
}

// clusterError is why a cluster cannot be used, with its name in it once.
func clusterError(s *session) error {
	name := fmt.Sprintf("cluster %q", s.name)
	if strings.Contains(s.err.Error(), name) {
		return s.err
	}
	return fmt.Errorf("%s: %w", name, s.err)
}
