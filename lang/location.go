package lang

import (
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/gantrycd/gantry/lang/addr"
	"github.com/gantrycd/gantry/lang/eval"
	"github.com/gantrycd/gantry/lang/schema"
	"github.com/gantrycd/gantry/plan/source"
)

// scpLike is git's short form of ssh URLs: user@host:path.
var scpLike = regexp.MustCompile(`^[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:[^/].*|^[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:/.*`)

// isLocal reports whether a URL is the path of a directory.
func isLocal(text string) bool {
	return !strings.Contains(text, "://") && !scpLike.MatchString(text)
}

// guessType tells how a URL is read, by its form. chart says that a chart of a
// repository is asked for.
func guessType(text string, chart bool) source.Type {
	switch {
	case isLocal(text):
		return source.Directory
	case strings.HasPrefix(text, "oci://"):
		return source.OCI
	case chart && (strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://")):
		return source.Helm
	}
	return source.Git
}

// checkURL reports a URL that no source can be read from.
func checkURL(in *eval.Instance, v *schema.Values, sourceType source.Type) {
	if !v.IsKnown("url") {
		return
	}
	text := v.String("url")
	if text == "" {
		in.ErrorAt(v, "url", "Invalid URL", "The URL is empty.")
		return
	}
	if isLocal(text) {
		if strings.Contains(text, "\\") {
			in.ErrorAt(v, "url", "Invalid URL", "The path of a directory has its parts separated by \"/\".")
		}
		return
	}
	if scpLike.MatchString(text) {
		if sourceType != source.Git {
			in.ErrorAt(v, "url", "Invalid URL", "%q is the address of a git repository, not of a source of type %s.", text, sourceType)
		}
		return
	}
	u, err := url.Parse(text)
	if err != nil {
		in.ErrorAt(v, "url", "Invalid URL", "It cannot be read as a URL such as \"https://github.com/example/config\".")
		return
	}
	if _, hasPassword := u.User.Password(); hasPassword || u.User != nil && u.Scheme != "ssh" {
		in.ErrorAt(v, "url", eval.CredentialsInURL, "The URL is shown in plans and kept in state, so that it cannot hold a password or token. Declare a repository with an auth block.")
		return
	}
	schemes := map[source.Type][]string{
		source.Git:       {"https", "http", "ssh", "git", "file"},
		source.Helm:      {"https", "http"},
		source.OCI:       {"oci"},
		source.Directory: {},
	}[sourceType]
	for _, scheme := range schemes {
		if u.Scheme == scheme && (u.Host != "" || scheme == "file" && u.Path != "") {
			return
		}
	}
	switch {
	case u.Host == "" && u.Scheme != "file":
		in.ErrorAt(v, "url", "Invalid URL", "%q names no host.", text)
	case len(schemes) == 0:
		in.ErrorAt(v, "url", "Invalid URL", "A source of type directory is a path, such as \"./manifests\".")
	default:
		in.ErrorAt(v, "url", "Invalid URL", "A source of type %s is read from URLs with %s, but this one has %q.", sourceType, schema.List(schemes, "or"), u.Scheme)
	}
}

// directoryOf returns the path of a directory from that of the root module. It was
// written as one from the directory of the block's module.
func directoryOf(in *eval.Instance, v *schema.Values, written string) string {
	module, onDisk := in.Module()
	if !onDisk {
		in.ErrorAt(v, "url", "Invalid URL", "The path %q is of a directory beside the configuration, but this module is read from elsewhere. Read it from a repository, or have the directory passed in a variable.", written)
	}
	if path.IsAbs(written) {
		return path.Clean(written)
	}
	return path.Join(module, written)
}

// locate returns where a block with the arguments repository, url and revision
// reads from. It is false where that cannot be told.
func locate(in *eval.Instance, v *schema.Values, chart string) (source.Location, addr.Address, bool) {
	ref, hasRef := v.Reference("repository")
	switch {
	case v.Has("repository") && v.Has("url"):
		in.ErrorAt(v, "url", "Conflicting arguments", "A source is read from a repository or from a url, but both are set. Remove one of them.")
		return source.Location{}, addr.Address{}, false
	case hasRef:
		repository := ref.Target.(*Repository)
		location := repository.Location
		if v.Has("revision") {
			location.Revision = v.String("revision")
		}
		location.Chart = chart
		if repository.guessed && chart != "" {
			location.Type = guessType(location.URL, true)
		}
		return location, repository.Address, true
	case v.Has("url"):
		location := source.Location{URL: v.String("url"), Revision: v.String("revision"), Chart: chart}
		location.Type = guessType(location.URL, chart != "")
		checkURL(in, v, location.Type)
		if location.Type == source.Directory {
			location.URL = directoryOf(in, v, location.URL)
			if v.Has("revision") {
				in.ErrorAt(v, "revision", "Conflicting arguments", "A directory has no revisions.")
			}
		}
		return location, addr.Address{}, true
	}
	return source.Location{}, addr.Address{}, false
}
