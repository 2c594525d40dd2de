package risk

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/riskcode"
)

// apiVersion tells of API versions that the cluster's next version no longer serves,
// and of what the server itself calls deprecated.
func (a *assessment) apiVersion(item *Item) {
	c := item.Change
	if item.After == nil || c.Action == plan.Orphan {
		return
	}
	severity, details := plan.Low, []string{}
	for _, warning := range c.Warnings {
		if !strings.Contains(warning, "deprecated") {
			continue
		}
		details = append(details, "The server says: "+strings.TrimSuffix(warning, ".")+".")
		if goes := unavailableIn(warning); goes != 0 && a.cluster.minor != 0 && goes <= a.cluster.minor+1 {
			severity = plan.Medium
		}
	}
	if r, ok := a.cluster.removed[c.GVK()]; ok && a.cluster.minor != 0 && r.minor <= a.cluster.minor+1 {
		severity = plan.Medium
		detail := fmt.Sprintf("Kubernetes 1.%d no longer serves %s; the cluster has 1.%d.", r.minor, c.GVK(), a.cluster.minor)
		if r.use != "" {
			detail += fmt.Sprintf(" Use %s.", r.use)
		}
		details = append([]string{detail}, details...)
	}
	if len(details) > 0 {
		a.add(riskcode.APIDeprecated, severity, item, nil, details...)
	}
}

// unavailable is how servers say when a version goes: "is deprecated in v1.25+,
// unavailable in v1.29+".
var unavailable = regexp.MustCompile(`unavailable in v1\.(\d+)\+`)

func unavailableIn(warning string) int {
	found := unavailable.FindStringSubmatch(warning)
	if found == nil {
		return 0
	}
	minor, _ := strconv.Atoi(found[1])
	return minor
}

var versionPattern = regexp.MustCompile(`^v?1\.(\d+)`)

// minorOf returns the minor version of a cluster ("v1.37.2-eks"), 0 where it cannot be
// told.
func minorOf(version string) int {
	found := versionPattern.FindStringSubmatch(version)
	if found == nil {
		return 0
	}
	minor, _ := strconv.Atoi(found[1])
	return minor
}
