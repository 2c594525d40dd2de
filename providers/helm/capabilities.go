package helm

import (
	"fmt"
	"slices"

	"helm.sh/helm/v4/pkg/chart/common"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

// DefaultKubeVersion is what .Capabilities.KubeVersion says without a cluster,
// as in helm template: the version of the client library that Helm is built with.
const DefaultKubeVersion = "v1.37.0"

// newCapabilities returns what a chart may ask about a cluster: what the options
// say, else the cluster's, else Helm's defaults. API versions of the options are
// added to the others.
func newCapabilities(cluster providers.Capabilities, options source.HelmOptions) (*common.Capabilities, error) {
	asked := firstOf(options.KubeVersion, cluster.KubeVersion, DefaultKubeVersion)
	version, err := common.ParseKubeVersion(asked)
	if err != nil {
		return nil, fmt.Errorf("kube version %q: expected a version like %q", asked, DefaultKubeVersion)
	}
	versions := cluster.APIVersions
	if len(versions) == 0 {
		versions = common.DefaultVersionSet
	}
	return &common.Capabilities{
		KubeVersion: *version,
		APIVersions: slices.Concat(versions, options.APIVersions),
		HelmVersion: common.DefaultCapabilities.HelmVersion,
	}, nil
}

// DefaultAPIVersions are the versions and kinds that charts are told of where no
// cluster says which it has.
func DefaultAPIVersions() []string { return slices.Clone([]string(common.DefaultVersionSet)) }
