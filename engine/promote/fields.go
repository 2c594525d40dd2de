package promote

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/source"
)

// kind is what a field of a source is.
type kind int

const (
	plain    kind = iota // no pin: it is never changed
	revision             // a revision of a location
	image                // "NAME:TAG", "NAME@DIGEST"
	version              // a tag, a digest or a version alone
)

// field is a scalar of a source.
type field struct {
	kind   kind
	source int
	text   string
}

// fields are all scalars of an application's sources, by where they are.
func fields(app *lang.Application) map[string]field {
	out := map[string]field{}
	for i := range app.Sources {
		w := walker{out: out, source: i, sensitive: app.Sources[i].SensitivePaths}
		prefix := "source"
		if len(app.Sources) > 1 {
			prefix = fmt.Sprintf("source[%d]", i)
		}
		w.walk(prefix, "", tree(&app.Sources[i]), plain)
	}
	return out
}

// tree is a source as JSON has it, with what must not be written in plans, and lists by the
// names of what is in them.
func tree(s *lang.Source) map[string]any {
	out := decoded(s.Spec)
	if s.Helm != nil {
		helm := out["helm"].(map[string]any)
		helm["values"] = decoded(s.Helm.Values)
		parameters := map[string]any{}
		for _, p := range s.Helm.Parameters {
			parameters[p.Name] = p.Value
		}
		helm["parameters"] = parameters
	}
	if s.Kustomize != nil && len(s.Kustomize.Images) > 0 {
		images := map[string]any{}
		for _, text := range s.Kustomize.Images {
			name, _, renamed := strings.Cut(text, "=")
			if !renamed {
				name, _, _ = splitImage(text)
			}
			images[name] = text
		}
		out["kustomize"].(map[string]any)["images"] = images
	}
	if s.Jsonnet != nil {
		jsonnet := out["jsonnet"].(map[string]any)
		jsonnet["external_variables"], jsonnet["top_level_arguments"] = variables(s.Jsonnet.ExternalVariables), variables(s.Jsonnet.TopLevelArguments)
	}
	if len(s.Objects) > 0 {
		objects := make([]any, len(s.Objects))
		for i, o := range s.Objects {
			objects[i] = decoded(o)
		}
		out["objects"] = objects
	}
	return out
}

func variables(all []source.JsonnetVariable) map[string]any {
	out := map[string]any{}
	for _, v := range all {
		out[v.Name] = v.Value
	}
	return out
}

// decoded is a value as plain JSON.
func decoded(value any) map[string]any {
	out := map[string]any{}
	encoded, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(encoded, &out)
	}
	if err != nil {
		panic("a source that is no JSON: " + err.Error() + ". This is a bug in gantry")
	}
	if out == nil {
		out = map[string]any{}
	}
	return out
}

// walker collects fields.
type walker struct {
	out       map[string]field
	source    int
	sensitive []string
}

func (w *walker) walk(at, pointer string, value any, is kind) {
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			next := at + "." + name
			if !isWord(name) {
				next = at + "[" + strconv.Quote(name) + "]"
			}
			w.walk(next, pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), inner, kindOf(pointer, name))
		}
	case []any:
		for i, inner := range value {
			w.walk(fmt.Sprintf("%s[%d]", at, i), fmt.Sprintf("%s/%d", pointer, i), inner, plain)
		}
	default:
		text, ok := value.(string)
		if !ok {
			encoded, err := json.Marshal(value)
			if err != nil {
				panic("a source that is no JSON: " + err.Error() + ". This is a bug in gantry")
			}
			text, is = string(encoded), plain
		}
		if slices.ContainsFunc(w.sensitive, func(s string) bool { return pointer == s || strings.HasPrefix(pointer, s+"/") }) {
			is = plain
		}
		if _, _, ok := splitTag(text); is == image && !ok {
			is = plain
		}
		w.out[at] = field{kind: is, source: w.source, text: text}
	}
}

// kindOf says what a name is, by what it is in.
func kindOf(in, name string) kind {
	switch {
	case in == "" && name == "revision":
		return revision
	case in == "/kustomize/images":
		return image
	case strings.HasPrefix(in, "/objects/"):
		if name == "image" {
			return image
		}
	case in == "/helm/parameters":
		return named(name[strings.LastIndex(name, ".")+1:])
	case strings.HasPrefix(in, "/helm/values"), in == "/jsonnet/external_variables", in == "/jsonnet/top_level_arguments":
		return named(name)
	}
	return plain
}

// named says what a value of a chart or of Jsonnet is by its name: image, tag, digest and
// version, alone or at the end of a longer name.
func named(name string) kind {
	lower := strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
	if lower == "apiversion" || lower == "kubeversion" {
		return plain
	}
	for suffix, is := range map[string]kind{"image": image, "tag": version, "digest": version, "version": version, "revision": version} {
		if lower == suffix || strings.HasSuffix(lower, suffix) && (strings.ContainsAny(name, "_-") || strings.HasSuffix(name, strings.ToUpper(suffix[:1])+suffix[1:])) {
			return is
		}
	}
	return plain
}

func isWord(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == ""
}

// splitImage parts an image into its name, what follows it, and the sign between them; the
// latter are empty where it is a name alone.
func splitImage(text string) (name, sign, tag string) {
	name = text
	if at := strings.Index(text, "@"); at >= 0 {
		name, sign, tag = text[:at], "@", text[at+1:]
	}
	if at := strings.LastIndex(name, ":"); at > strings.LastIndex(name, "/") {
		return text[:at], ":", text[at+1:]
	}
	return name, sign, tag
}

// splitTag parts an image into what comes before its tag or digest, the sign included, and
// that.
func splitTag(text string) (before, tag string, ok bool) {
	name, sign, tag := splitImage(text)
	return name + sign, tag, sign != "" && tag != ""
}
