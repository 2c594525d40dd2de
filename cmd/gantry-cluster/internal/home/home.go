// Package home is the folder where clusters keep their files: one folder per
// cluster, readable by its owner only, locked for as long as somebody works on
// the cluster or runs it, and with a record that tells its state.
package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
)

// Home is the folder of all clusters. It need not exist.
type Home struct {
	path string
}

// New returns the home at path, which is made absolute.
func New(path string) (Home, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Home{}, fmt.Errorf("find the folder of the clusters: %w", err)
	}
	return Home{path: abs}, nil
}

// DefaultPath returns where clusters live when nothing else is said:
// $GANTRY_CLUSTER_HOME, or gantry-cluster in $XDG_STATE_HOME, or in
// ~/.local/state.
func DefaultPath(getenv func(string) string) (string, error) {
	if p := getenv("GANTRY_CLUSTER_HOME"); p != "" {
		return p, nil
	}
	if p := getenv("XDG_STATE_HOME"); filepath.IsAbs(p) {
		return filepath.Join(p, "gantry-cluster"), nil
	}
	if p := getenv("HOME"); p != "" {
		return filepath.Join(p, ".local", "state", "gantry-cluster"), nil
	}
	return "", errors.New("no place for the files of clusters: set HOME, XDG_STATE_HOME or GANTRY_CLUSTER_HOME, or give --state-dir")
}

// Path returns the folder's absolute path.
func (h Home) Path() string { return h.path }

// Dir returns the folder of the named cluster, which need not exist.
func (h Home) Dir(name string) Dir {
	return Dir{path: filepath.Join(h.path, name), name: name}
}

// Names returns the names of all clusters that have a folder, sorted.
func (h Home) Names() ([]string, error) {
	entries, err := os.ReadDir(h.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the clusters: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && CheckName(e.Name()) == nil {
			names = append(names, e.Name())
		}
	}
	sort.Strings(names)
	return names, nil
}

// Dir is the folder of one cluster.
type Dir struct {
	path string
	name string
}

// OpenDir returns the cluster folder at path, the last element of which is the
// cluster's name.
func OpenDir(path string) Dir { return Dir{path: path, name: filepath.Base(path)} }

// Name returns the cluster's name.
func (d Dir) Name() string { return d.name }

// Path returns the folder's path, or that of a file in it.
func (d Dir) Path(elements ...string) string {
	return filepath.Join(append([]string{d.path}, elements...)...)
}

// Exists tells whether the folder is there.
func (d Dir) Exists() bool {
	info, err := os.Stat(d.path)
	return err == nil && info.IsDir()
}

// Kubeconfig returns the path of the file with the administrator's access.
func (d Dir) Kubeconfig() string { return d.Path("kubeconfig") }

// Log returns the path of a program's log.
func (d Dir) Log(program string) string { return d.Path("logs", program+".log") }

// Write puts a file that its owner alone can read into the folder, whole or not
// at all.
func (d Dir) Write(data []byte, elements ...string) error {
	path := d.Path(elements...)
	return WriteFile(path, data)
}

// WriteFile writes a file that its owner alone can read, whole or not at all.
// Missing folders are made, for the owner alone too.
func WriteFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the folder of %s: %w", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the first error is the one to tell
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
