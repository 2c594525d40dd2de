package argocd

import (
	"slices"
	"strings"

	"github.com/gantrycd/gantry/lang/argocd/draft"
	"github.com/gantrycd/gantry/lang/argocd/manifest"
	"github.com/gantrycd/gantry/lang/argocd/template"
)

// repository is a repository that sources read, however often.
type repository struct {
	url    string
	label  string
	block  *draft.Block // of a Secret; nil where sources alone name it
	helm   bool         // a Secret says that it is of Helm
	charts int          // how many sources read charts of it
	reads  []string     // the revisions of the others, "" for the default branch
	hoist  string       // the revision that it has itself
}

// repositories are all of them, by URL.
type repositories struct {
	im    *importer
	byURL map[string]*repository
	order []*repository
}

func newRepositories(im *importer) *repositories {
	return &repositories{im: im, byURL: map[string]*repository{}}
}

// normalURL makes URLs of one repository equal, as Argo CD does.
func normalURL(text string) string {
	text = strings.ToLower(withoutUser(strings.TrimSpace(text)))
	return strings.TrimSuffix(strings.TrimSuffix(text, "/"), ".git")
}

// need returns the repository with a URL.
func (rs *repositories) need(text string) *repository {
	key := normalURL(text)
	r := rs.byURL[key]
	if r == nil {
		r = &repository{url: withoutUser(strings.TrimSpace(text))}
		rs.byURL[key] = r
		rs.order = append(rs.order, r)
	}
	return r
}

// name gives a repository its label, at the first reference.
func (rs *repositories) name(r *repository, base string) string {
	if r.label == "" {
		if base == "" {
			base = repositoryName(r.url)
		}
		name := identifier("repository", base)
		if rs.im.names["repository"][name] { // of another owner
			_, path := splitURL(r.url)
			words := strings.Split(strings.Trim(strings.TrimSuffix(path, ".git"), "/"), "/")
			if len(words) > 1 {
				name = identifier("repository", strings.Join(words[len(words)-2:], "_"))
			}
		}
		r.label = rs.im.unique("repository", name)
	}
	return r.label
}

// ociURL returns the URL of a chart in a registry, where a source reads one: Argo
// CD has it without a scheme.
func ociURL(repoURL, chart string) (string, bool) {
	switch {
	case strings.HasPrefix(repoURL, "oci://"):
		if chart != "" {
			return strings.TrimSuffix(repoURL, "/") + "/" + chart, true
		}
		return repoURL, true
	case chart != "" && !strings.Contains(repoURL, "://") && !strings.Contains(repoURL, "@"):
		return "oci://" + strings.TrimSuffix(repoURL, "/") + "/" + chart, true
	}
	return "", false
}

// count notes that a source reads a repository, so that what most sources say can
// be said once.
func (rs *repositories) count(repoURL, chart, revision string) {
	if repoURL == "" || template.Has(repoURL) || template.Has(chart) {
		return
	}
	if oci, ok := ociURL(repoURL, chart); ok {
		repoURL, chart = oci, ""
	}
	r := rs.need(repoURL)
	switch {
	case chart != "":
		r.charts++
	case revision == "HEAD":
		r.reads = append(r.reads, "")
	default:
		r.reads = append(r.reads, revision)
	}
}

// settle decides what the repositories say themselves: the revision that all, or
// most, of their sources read.
func (rs *repositories) settle() {
	for _, r := range rs.order {
		if slices.Contains(r.reads, "") || r.charts > 0 {
			continue
		}
		times := map[string]int{}
		for _, revision := range r.reads {
			times[revision]++
		}
		for _, revision := range r.reads { // of equals the first
			if times[revision] > times[r.hoist] && !template.Has(revision) {
				r.hoist = revision
			}
		}
	}
}

// repository sets what a block reads: the repository, and the revision where it is
// not the repository's own.
func (w *writer) repository(block *draft.Block, repoURL, revision *manifest.Node, chart string) {
	rs := w.im.repos
	if repoURL == nil {
		w.finding(ToDo, firstOf(repoURL, revision), "The source has no repoURL.")
		return
	}
	if template.Has(repoURL.Peek()) && w.scope != nil {
		w.set(block, "url", repoURL)
		w.set(block, "revision", w.unless(revision, "HEAD", ""))
		return
	}
	text := repoURL.Text()
	if oci, ok := ociURL(text, chart); ok {
		text = oci
	}
	if withoutUser(text) != text {
		w.finding(ToDo, repoURL, "The URL holds a credential, which is not copied. Add an auth block to the repository.")
	}
	r := rs.need(text)
	block.Set("repository", draft.Raw("repository."+rs.name(r, "")), w.comments(repoURL))
	own := r.hoist
	if chart != "" {
		own = ""
	}
	if revision.Peek() == own || revision.Peek() == "HEAD" && own == "" {
		revision.Text()
		return
	}
	if (revision.Peek() == "" || revision.Peek() == "HEAD") && own != "" {
		block.Set("revision", draft.String("HEAD"), w.comments(revision))
		revision.Text()
		return
	}
	w.set(block, "revision", revision)
}

// firstOf returns the first node that is there.
func firstOf(nodes ...*manifest.Node) *manifest.Node {
	for _, n := range nodes {
		if n != nil {
			return n
		}
	}
	return nil
}

// write writes the blocks of all repositories that have been referred to, or that
// Secrets declare.
func (rs *repositories) write() {
	for _, r := range rs.order {
		if r.label == "" {
			continue
		}
		block := r.block
		if block == nil {
			block = &draft.Block{Type: "repository", Labels: []string{r.label}}
			block.Set("url", draft.String(r.url), draft.None())
		}
		if r.helm && r.charts == 0 {
			block.Set("type", draft.String("helm"), draft.None())
		}
		if r.hoist != "" {
			block.Set("revision", draft.String(r.hoist), draft.None())
		}
		block.Order("url", "type", "revision", "insecure")
		rs.im.add(repositoriesFile, block)
	}
}
