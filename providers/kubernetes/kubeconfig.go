package kubernetes

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/gantrycd/gantry/providers"
)

// kubeconfig reads a kubeconfig, and takes a context of it. With no path the
// files that kubectl would read are merged as kubectl does; with no context the
// current one is taken.
func (c *Clusters) kubeconfig(path, context string) (*rest.Config, error) {
	rules, where, err := c.loadingRules(path)
	if err != nil {
		return nil, err
	}
	config, err := rules.Load()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig %s: %w", where, err)
	}
	if err := checkContext(config, context, where); err != nil {
		return nil, err
	}
	loaded, err := clientcmd.NewNonInteractiveClientConfig(*config, context, &clientcmd.ConfigOverrides{}, rules).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig %s: %w", where, err)
	}
	return loaded, nil
}

// loadingRules returns the files to read, and what messages call them.
func (c *Clusters) loadingRules(path string) (rules *clientcmd.ClientConfigLoadingRules, where string, err error) {
	if path != "" {
		resolved := c.path(path)
		info, err := os.Stat(resolved)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return nil, "", fmt.Errorf("kubeconfig %s: %w: there is no such file", resolved, providers.ErrNotFound)
		case err != nil:
			return nil, "", fmt.Errorf("kubeconfig: %w", err)
		case info.IsDir():
			return nil, "", fmt.Errorf("kubeconfig %s: it is a directory; expected a file", resolved)
		}
		return &clientcmd.ClientConfigLoadingRules{ExplicitPath: resolved}, resolved, nil
	}
	files := c.defaultKubeconfigs()
	exists := func(file string) bool { _, err := os.Stat(file); return err == nil }
	if !slices.ContainsFunc(files, exists) {
		return nil, "", fmt.Errorf("kubeconfig: %w: no file at %s; set KUBECONFIG, or name a kubeconfig or a server",
			providers.ErrNotFound, strings.Join(files, ", "))
	}
	return &clientcmd.ClientConfigLoadingRules{Precedence: files}, strings.Join(slices.DeleteFunc(slices.Clone(files), func(f string) bool { return !exists(f) }), ", "), nil
}

// defaultKubeconfigs are the files of $KUBECONFIG, else ~/.kube/config.
func (c *Clusters) defaultKubeconfigs() []string {
	var files []string
	for _, file := range filepath.SplitList(c.options.Getenv(clientcmd.RecommendedConfigPathEnvVar)) {
		if file != "" && !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	if len(files) > 0 {
		return files
	}
	return []string{filepath.Join(c.home(), clientcmd.RecommendedHomeDir, clientcmd.RecommendedFileName)}
}

// checkContext tells which contexts there are when the one asked for is not.
func checkContext(config *clientcmdapi.Config, context, where string) error {
	known := slices.Sorted(maps.Keys(config.Contexts))
	listed := "it has no contexts"
	if len(known) > 0 {
		listed = "its contexts are " + strings.Join(known, ", ")
	}
	if context == "" {
		context = config.CurrentContext
		if context == "" {
			return fmt.Errorf("kubeconfig %s: %w: it has no current context; %s", where, providers.ErrNotFound, listed)
		}
	}
	if _, ok := config.Contexts[context]; !ok {
		return fmt.Errorf("kubeconfig %s: context %q: %w; %s", where, context, providers.ErrNotFound, listed)
	}
	return nil
}
