package kustomize

import (
	"errors"
	"io/fs"
	"regexp"
	"strconv"
	"strings"

	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/providers/filetree"
)

var (
	// absent is how Kustomize ends where a resource or component is neither a file nor
	// a folder.
	absent    = regexp.MustCompile(`not a valid directory: "([^"]+)": [a-z]+ [^:]+: file does not exist`)
	malformed = regexp.MustCompile(`MalformedYAMLError: (?:yaml: )?(?:line (\d+): )?(.+) in File: (\S+)`)
	// attempt is how Kustomize wraps the error of taking a folder for a file, before
	// the error that matters.
	attempt = regexp.MustCompile(`accumulation err='.*?': `)
	noise   = regexp.MustCompile(`(?:accumulating resources|accumulating components|accumulateDirectory|recursed accumulation of path '[^']*'|loader\.New): ?`)
)

// explain turns an error of Kustomize into one that a reader can follow: the
// file of a YAML error, what there is in place of a file that is missing, and
// without the errors of ways that were only tried.
func explain(tree fs.FS, file string, err error) error {
	text := err.Error()
	if all := absent.FindAllStringSubmatch(text, -1); len(all) > 0 {
		return &providers.RenderError{File: file, Err: filetree.NotFound(tree, all[len(all)-1][1])}
	}
	if match := malformed.FindStringSubmatch(text); match != nil {
		line, _ := strconv.Atoi(match[1]) // no line is 0
		return &providers.RenderError{File: match[3], Line: line, Err: errors.New(match[2])}
	}
	for {
		shorter := attempt.ReplaceAllString(text, "")
		if shorter = noise.ReplaceAllString(shorter, ""); shorter == text {
			break
		}
		text = shorter
	}
	text = strings.ReplaceAll(text, `\"`, `"`)
	reason := errors.New(text)
	if errors.Is(err, fs.ErrNotExist) || strings.Contains(text, "file does not exist") {
		reason = &missing{text: text}
	}
	return &providers.RenderError{File: file, Err: reason}
}

// missing is an ErrNotFound in Kustomize's words.
type missing struct{ text string }

func (m *missing) Error() string        { return m.text }
func (m *missing) Is(target error) bool { return target == providers.ErrNotFound }
