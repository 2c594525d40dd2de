package argocd

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// label makes the label of a block of a name, such as prod_eu of prod-eu, that no
// other block of the kind has.
func (im *importer) label(kind, name string) string {
	return im.unique(kind, identifier(kind, name))
}

// identifier makes a name that references can have.
func identifier(kind, name string) string {
	var b strings.Builder
	for _, r := range name {
		if r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if text := b.String(); text != "" && !strings.HasSuffix(text, "_") {
			b.WriteByte('_')
		}
	}
	text := strings.Trim(b.String(), "_")
	if text == "" {
		return kind
	}
	if text[0] >= '0' && text[0] <= '9' {
		return kind + "_" + text
	}
	return text
}

// exactLabel keeps the name where references can have it.
func (im *importer) exactLabel(kind, name string) string {
	if hclsyntax.ValidIdentifier(name) && !strings.HasPrefix(name, "-") {
		return im.unique(kind, name)
	}
	return im.label(kind, name)
}

func (im *importer) unique(kind, name string) string {
	taken := im.names[kind]
	if taken == nil {
		taken = map[string]bool{}
		im.names[kind] = taken
	}
	candidate := name
	for i := 2; taken[candidate]; i++ {
		candidate = fmt.Sprintf("%s_%d", name, i)
	}
	taken[candidate] = true
	return candidate
}

// generic are the words of a repository's URL that tell nothing about it.
var generic = []string{"", "charts", "chart", "helm", "helm-charts", "chartrepo", "stable", "incubator", "repo", "repository", "releases", "index", "git", "www", "main", "public", "library", "dev"}

// repositoryName makes a name of a URL: its last word that says something.
func repositoryName(text string) string {
	host, path := splitURL(text)
	words := strings.Split(strings.Trim(path, "/"), "/")
	slices.Reverse(words)
	for _, word := range words {
		word = strings.TrimSuffix(word, ".git")
		if !slices.Contains(generic, strings.ToLower(word)) {
			return word
		}
	}
	labels := strings.Split(host, ".")
	if len(labels) > 1 { // the top-level domain
		labels = labels[:len(labels)-1]
	}
	slices.Reverse(labels)
	for _, label := range labels {
		if !slices.Contains(append(generic, "github", "gitlab", "com", "co"), label) {
			return label
		}
	}
	return host
}

// splitURL returns host and path of a URL, or of git's short form user@host:path.
func splitURL(text string) (host, path string) {
	if !strings.Contains(text, "://") {
		if at, rest, ok := strings.Cut(text, ":"); ok && strings.Contains(at, "@") {
			_, host, _ = strings.Cut(at, "@")
			return host, rest
		}
		host, path, _ = strings.Cut(text, "/")
		return host, path
	}
	u, err := url.Parse(text)
	if err != nil {
		_, rest, _ := strings.Cut(text, "://")
		host, path, _ = strings.Cut(rest, "/")
		return host, path
	}
	return u.Hostname(), u.Path
}

// serverName makes a name of an API's URL: the first label of its host.
func serverName(server string) string {
	host, _ := splitURL(server)
	if strings.Trim(host, "0123456789.:[]abcdef") == "" && strings.ContainsAny(host, ".:") {
		return "cluster_" + host // an address
	}
	name, rest, _ := strings.Cut(host, ".")
	for _, word := range []string{"api", "kubernetes", "k8s"} {
		if next, _, more := strings.Cut(rest, "."); name == word && more {
			return next
		}
	}
	return name
}
