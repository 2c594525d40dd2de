package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/home"
	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/kubeconfig"
)

// checkCopy returns why the kubeconfig of a cluster must not be written to a file,
// or nil: a file with anything in it but a former kubeconfig of that cluster may be
// somebody's access to all of theirs.
func checkCopy(file, cluster string) error {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("--kubeconfig: %w", err)
	}
	config, err := clientcmd.Load(data)
	if err == nil && len(config.Contexts) == 1 && config.Contexts[kubeconfig.Context(cluster)] != nil {
		return nil
	}
	return fmt.Errorf("--kubeconfig: %s has something else in it and is left as it is; name a new file, or take the cluster's own from \"gantry-cluster kubeconfig --path\"", file)
}

// copyKubeconfig writes the kubeconfig of a cluster to another file and returns that
// file's absolute path.
func copyKubeconfig(dir home.Dir, file string) (string, error) {
	path, err := filepath.Abs(file)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", file, err)
	}
	data, err := os.ReadFile(dir.Kubeconfig())
	if err != nil {
		return "", fmt.Errorf("read the kubeconfig of cluster %s: %w", dir.Name(), err)
	}
	if err := home.WriteFile(path, data); err != nil {
		return "", fmt.Errorf("cluster %q is up, but its kubeconfig could not be copied: %w", dir.Name(), err)
	}
	return path, nil
}
