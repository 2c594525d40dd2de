package git

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/format/config"
	"github.com/go-git/go-git/v5/plumbing/format/gitignore"
	"github.com/go-git/go-git/v5/plumbing/format/index"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/tree"
)

// WorkTree is a repository's work tree on this machine.
type WorkTree struct {
	// FS is what a commit of everything in it would have: files as they are on disk,
	// but for those that git ignores and does not track. A file is what it was when it
	// was first read.
	FS fs.FS
	// Branch is what is checked out, "" for a commit that no branch leads to.
	Branch string
	// Default is the default branch of the repository that it is a clone of, "" where
	// that is not known.
	Default string
	// Remotes are the URLs of the repositories that it is a clone of, sorted.
	Remotes []string

	files *workFiles
	top   *workDirectory
}

// OpenWorkTree opens the work tree whose root is a directory.
func OpenWorkTree(root string, limits Limits) (*WorkTree, error) {
	gitDir, err := findGitDir(root)
	if err != nil {
		return nil, err
	}
	if gitDir == root {
		return nil, errors.New("the repository is bare: it has no work tree")
	}
	common := gitDir
	if content, err := os.ReadFile(filepath.Join(gitDir, "commondir")); err == nil {
		common = joinPath(gitDir, strings.TrimSpace(string(content)))
	}
	out := &WorkTree{}
	if out.Remotes, err = remotes(common); err != nil {
		return nil, err
	}
	if head, err := os.ReadFile(filepath.Join(gitDir, "HEAD")); err == nil {
		if name, ok := strings.CutPrefix(strings.TrimSpace(string(head)), "ref: refs/heads/"); ok {
			out.Branch = name
		}
	}
	if head, err := os.ReadFile(filepath.Join(common, "refs", "remotes", "origin", "HEAD")); err == nil {
		if name, ok := strings.CutPrefix(strings.TrimSpace(string(head)), "ref: refs/remotes/origin/"); ok {
			out.Default = name
		}
	}
	base, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	if limits.FileBytes == 0 {
		limits.FileBytes = DefaultFileBytes
	}
	if limits.Files == 0 {
		limits.Files = DefaultFiles
	}
	w := &workFiles{root: base, tracked: sync.OnceValue(func() map[string]bool { return tracked(filepath.Join(gitDir, "index")) }), limit: limits.FileBytes}
	patterns := ignored(nil, filepath.Join(common, "info", "exclude"), nil)
	out.files, out.top = w, &workDirectory{files: w, patterns: patterns}
	out.FS = tree.New(out.top, limits.Files)
	return out, nil
}

// remotes reads the URLs of a repository's remotes.
func remotes(common string) ([]string, error) {
	content, err := os.ReadFile(filepath.Join(common, "config"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	parsed := config.New()
	if err := config.NewDecoder(bytes.NewReader(content)).Decode(parsed); err != nil {
		return nil, fmt.Errorf("its config cannot be read: %w", err)
	}
	var out []string
	for _, remote := range parsed.Section("remote").Subsections {
		out = append(out, remote.OptionAll("url")...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// tracked returns the paths in an index, and the directories above them. Without an
// index that can be read nothing is known to be tracked.
func tracked(name string) map[string]bool {
	out := map[string]bool{}
	file, err := os.Open(name)
	if err != nil {
		return out
	}
	defer func() { _ = file.Close() }()
	var read index.Index
	if index.NewDecoder(file).Decode(&read) != nil {
		return out
	}
	for _, entry := range read.Entries {
		for at := entry.Name; at != "." && !out[at]; at = path.Dir(at) {
			out[at] = true
		}
	}
	return out
}

// ignored adds the patterns of a file for the directory domain to others.
func ignored(to []gitignore.Pattern, name string, domain []string) []gitignore.Pattern {
	content, err := os.ReadFile(name)
	if err != nil {
		return to
	}
	out := slices.Clone(to)
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimRight(line, "\r\n"); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, gitignore.ParsePattern(line, domain))
		}
	}
	return out
}

// workFiles is what all directories of a work tree share.
type workFiles struct {
	root    *os.Root
	tracked func() map[string]bool // the index is read when something may be ignored
	limit   int64
	ids     map[string]string // of contents, by path, where they are known

	mu   sync.Mutex
	read map[string][]byte
}

// workDirectory is a directory of a work tree.
type workDirectory struct {
	files    *workFiles
	at       []string
	patterns []gitignore.Pattern // of the directories above
	all      bool                // what is ignored is there, too, as for a directory beside the configuration
}

// Entries implements tree.Directory.
func (d *workDirectory) Entries() ([]tree.Entry, error) {
	entries, _, err := d.read()
	return entries, err
}

// below are the patterns for what is in the directory.
func (d *workDirectory) below() []gitignore.Pattern {
	name := path.Join(append([]string{"."}, d.at...)...)
	return ignored(d.patterns, filepath.Join(d.files.root.Name(), filepath.FromSlash(name), ".gitignore"), d.at)
}

// read lists the directory, and the paths of what is left out since git ignores it.
func (d *workDirectory) read() (out []tree.Entry, left []string, err error) {
	name := path.Join(append([]string{"."}, d.at...)...)
	list, err := fs.ReadDir(d.files.root.FS(), name)
	if err != nil {
		return nil, nil, err
	}
	patterns := d.below()
	matcher := gitignore.NewMatcher(patterns)
	for _, found := range list {
		at := append(slices.Clone(d.at), found.Name())
		full := path.Join(at...)
		switch {
		case found.Name() == ".git":
			continue
		case d.all && found.Name() == ".gantry": // as localdir has it
			continue
		case !d.all && matcher.Match(at, found.IsDir()) && !d.files.tracked()[full]:
			left = append(left, full)
			continue
		}
		entry := tree.Entry{Name: found.Name()}
		switch kind := found.Type(); {
		case found.IsDir():
			entry.Directory = &workDirectory{files: d.files, at: at, patterns: patterns, all: d.all}
		case kind&fs.ModeSymlink != 0:
			entry.Link = &workFile{files: d.files, name: full, link: true}
		case kind.IsRegular():
			entry.File = &workFile{files: d.files, name: full}
			if info, err := found.Info(); err == nil {
				entry.Executable = info.Mode().Perm()&0o100 != 0
			}
		default:
			entry.Refused = fmt.Errorf("it is neither a file nor a directory: %s", kind)
		}
		out = append(out, entry)
	}
	return out, left, nil
}

// workFile is a file of a work tree, or the target of a link.
type workFile struct {
	files *workFiles
	name  string
	link  bool
}

// Size implements tree.File.
func (f *workFile) Size() (int64, error) {
	content, err := f.content()
	return int64(len(content)), err
}

// Read implements tree.File.
func (f *workFile) Read() ([]byte, error) {
	content, err := f.content()
	return bytes.Clone(content), err
}

func (f *workFile) content() ([]byte, error) {
	f.files.mu.Lock()
	defer f.files.mu.Unlock()
	if content, ok := f.files.read[f.name]; ok {
		return content, nil
	}
	content, err := f.now()
	if err != nil {
		return nil, err
	}
	if f.files.read == nil {
		f.files.read = map[string][]byte{}
	}
	f.files.read[f.name] = content
	return content, nil
}

func (f *workFile) now() ([]byte, error) {
	if f.link {
		target, err := f.files.root.Readlink(filepath.FromSlash(f.name))
		return []byte(filepath.ToSlash(target)), err
	}
	info, err := f.files.root.Stat(filepath.FromSlash(f.name))
	if err != nil {
		return nil, err
	}
	if info.Size() > f.files.limit {
		return nil, fmt.Errorf("%w: more than %d bytes", tree.ErrTooLarge, f.files.limit)
	}
	content, err := f.files.root.ReadFile(filepath.FromSlash(f.name))
	if bytes.HasPrefix(content, lfsPointer) {
		return nil, fmt.Errorf("%w: it is kept in Git LFS, which is not read", providers.ErrUnsupported)
	}
	return content, err
}

// SameRepository reports whether two URLs most likely name one repository: hosts and
// paths are the same, whatever the protocol and the login.
func SameRepository(a, b string) bool {
	first, err := parseAddress(a)
	if err != nil {
		return false
	}
	second, err := parseAddress(b)
	if err != nil {
		return false
	}
	if (first.scheme == "file") != (second.scheme == "file") || !strings.EqualFold(first.host, second.host) {
		return false
	}
	if first.scheme == second.scheme && first.port != second.port {
		return false
	}
	return plainPath(first) == plainPath(second)
}

func plainPath(a address) string {
	if a.scheme == "file" {
		if resolved, err := filepath.EvalSymlinks(a.path); err == nil {
			return strings.TrimSuffix(resolved, string(filepath.Separator)+".git")
		}
	}
	return strings.TrimSuffix(strings.Trim(a.path, "/"), ".git")
}
