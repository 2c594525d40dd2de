package git

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/config"

	"github.com/gantrycd/gantry/providers"
)

// local is a repository on this machine's disk. It is read where it is: objects
// never change, and each is checked against its id. Of its configuration only
// the format is read; its hooks, filters, includes and alternates are not.
type local struct {
	objects    *objects
	references *references
}

// openLocal opens a bare repository, one with a work tree, or a work tree that
// "git worktree" made.
func openLocal(path string, limits Limits) (*local, error) {
	gitDir, err := findGitDir(path)
	if err != nil {
		return nil, err
	}
	common := gitDir
	if content, err := os.ReadFile(filepath.Join(gitDir, "commondir")); err == nil {
		common = joinPath(gitDir, strings.TrimSpace(string(content)))
	}
	// The file system below refuses links that lead out of its root.
	if common, err = filepath.EvalSymlinks(common); err != nil {
		return nil, fmt.Errorf("its common directory: %w", err)
	}
	if err := checkFormat(common); err != nil {
		return nil, err
	}
	o, err := openObjects(common, limits)
	if err != nil {
		return nil, fmt.Errorf("its objects cannot be read: %w", err)
	}
	o.damaged = func(detail string) error {
		return fmt.Errorf("it is incomplete, as a shallow or partial clone, or damaged: %s", detail)
	}
	refs, err := localReferences(o, gitDir)
	if err != nil {
		return nil, errors.Join(err, o.close())
	}
	return &local{objects: o, references: refs}, nil
}

// findGitDir returns the directory that holds HEAD.
func findGitDir(path string) (string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w on this machine", providers.ErrNotFound)
	}
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", errors.New("it is a file, not a repository")
	}
	inner := filepath.Join(path, ".git")
	if info, err = os.Stat(inner); err == nil {
		if info.IsDir() {
			return inner, nil
		}
		content, err := os.ReadFile(inner)
		if err != nil {
			return "", err
		}
		target, ok := strings.CutPrefix(strings.TrimSpace(string(content)), "gitdir: ")
		if !ok {
			return "", fmt.Errorf("%s does not say where the repository is", inner)
		}
		return joinPath(path, target), nil
	}
	for _, name := range []string{"HEAD", "objects", "refs"} {
		if _, err := os.Stat(filepath.Join(path, name)); err != nil {
			return "", fmt.Errorf("a repository is %w there: it is another directory", providers.ErrNotFound)
		}
	}
	return path, nil
}

func joinPath(base, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(base, path)
}

// checkFormat refuses repositories that cannot be read.
func checkFormat(path string) error {
	content, err := os.ReadFile(filepath.Join(path, "config"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	parsed := config.New()
	if err := config.NewDecoder(bytes.NewReader(content)).Decode(parsed); err != nil {
		return fmt.Errorf("its config cannot be read: %w", err)
	}
	extensions := parsed.Section("extensions")
	if format := extensions.Option("objectformat"); format != "" && !strings.EqualFold(format, "sha1") {
		return fmt.Errorf("%w: its objects have the format %s; only sha1 can be read", providers.ErrUnsupported, format)
	}
	if format := extensions.Option("refstorage"); format != "" && !strings.EqualFold(format, "files") {
		return fmt.Errorf("%w: its references have the format %s; only files can be read", providers.ErrUnsupported, format)
	}
	if _, err := os.Stat(filepath.Join(path, "objects", "info", "alternates")); err == nil {
		return fmt.Errorf("%w: it borrows objects of another repository (objects/info/alternates); run git repack -a -d in it, and remove that file", providers.ErrUnsupported)
	}
	return nil
}

// localReferences reads all references, following symbolic ones.
func localReferences(o *objects, gitDir string) (*references, error) {
	iterator, err := o.storage.IterReferences()
	if err != nil {
		return nil, fmt.Errorf("its references cannot be read: %w", err)
	}
	refs := &references{byName: map[string]plumbing.Hash{}}
	err = iterator.ForEach(func(ref *plumbing.Reference) error {
		if ref.Type() == plumbing.HashReference && strings.HasPrefix(ref.Name().String(), "refs/") {
			refs.byName[ref.Name().String()] = ref.Hash()
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("its references cannot be read: %w", err)
	}
	if len(refs.byName) == 0 {
		return nil, errEmpty
	}
	head, err := os.ReadFile(filepath.Join(gitDir, "HEAD"))
	if err != nil {
		return nil, fmt.Errorf("its HEAD cannot be read: %w", err)
	}
	text := strings.TrimSpace(string(head))
	if name, ok := strings.CutPrefix(text, "ref: "); ok {
		refs.head = refs.byName[name]
	} else if isFullHash(text) {
		refs.head = plumbing.NewHash(text)
	}
	return refs, nil
}
