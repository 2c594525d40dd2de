package redact_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/lang/argocd/conformance"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/redact"
)

// leaves are the texts of an object, by where they are.
type leaves map[string]string

func leavesOf(o object.Object) leaves {
	out := leaves{}
	var walk func(path string, value any)
	walk = func(path string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for key, child := range v {
				walk(path+"/"+key, child)
			}
		case string:
			out[path] = v
			var embedded map[string]any // the annotation in which kubectl keeps what it applied
			if json.Unmarshal([]byte(v), &embedded) == nil {
				delete(out, path)
				walk(path, embedded)
			}
		default:
			out[path] = fmt.Sprint(v)
		}
	}
	walk("", map[string]any(o))
	return out
}

// TestConformance compares what is hidden with what Argo CD hides: the same texts, and of
// two that are hidden it can be seen whether they are the same.
func TestConformance(t *testing.T) {
	list := conformance.Cases[struct {
		ID                           string
		Target, Live                 object.Object
		ExpectedTarget, ExpectedLive object.Object
		HideAnnotations              []string
	}](t, "diff/hide_secret_cases.jsonl")
	tally := conformance.Count(t, conformance.Masking)
	f := fingerprinter(t)
	for _, c := range list {
		var paths []redact.Path
		for _, name := range c.HideAnnotations {
			path, err := redact.ParsePointer("/metadata/annotations/" + name)
			if err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
		problem, reason := "", ""
		wants, gots := leaves{}, leaves{}
		for side, o := range map[string][2]object.Object{"live": {c.Live, c.ExpectedLive}, "target": {c.Target, c.ExpectedTarget}} {
			redacted, _ := redact.Object(o[0], f, paths...)
			plain, want, got := leavesOf(o[0]), leavesOf(o[1]), leavesOf(redacted)
			for path, text := range want {
				hidden := strings.HasPrefix(text, "++++")
				switch {
				case hidden && got[path] == plain[path]:
					problem = fmt.Sprintf("%s%s is %q and must not be seen", side, path, got[path])
				case !hidden && got[path] == "" && strings.Contains(path, "last-applied-configuration/"):
					reason = "the annotation in which kubectl keeps what it applied is hidden as a whole; Argo CD shows what is no value of it"
				case !hidden && got[path] != text:
					problem = fmt.Sprintf("%s%s is %q, want %q", side, path, got[path], text)
				case hidden:
					wants[side+path], gots[side+path] = text, got[path]
				}
			}
		}
		for path := range wants {
			other := "target" + strings.TrimPrefix(path, "live")
			if _, both := wants[other]; both && (wants[path] == wants[other]) != (gots[path] == gots[other]) {
				problem = fmt.Sprintf("%s is %q and %q, in Argo CD %q and %q", path, gots[path], gots[other], wants[path], wants[other])
			}
		}
		switch {
		case problem != "":
			tally.Fail("%s: %s", c.ID, problem)
		case reason != "":
			tally.Differ(reason)
		default:
			tally.Agree()
		}
	}
}
