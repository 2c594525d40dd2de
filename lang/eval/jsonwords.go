package eval

import (
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// The forms in which messages show what is to be written, in the native syntax.
var (
	unquotedReference = regexp.MustCompile(`write ([a-z]+)\.NAME without quotes`)
	setReference      = regexp.MustCompile(`\b([a-z_]+) = ((?:secret|cluster|project|repository|var|local|each)\.[\w.]*\w)`)
	setConstant       = regexp.MustCompile(`\b([a-z_]+) = (true|false|"[^"]*")`)
)

// speakJSON says in the JSON syntax what is to be written in a file of it.
func speakJSON(diag *hcl.Diagnostic) {
	if diag.Subject == nil || !strings.HasSuffix(diag.Subject.Filename, ".json") {
		return
	}
	diag.Detail = unquotedReference.ReplaceAllString(diag.Detail, `write "$${$1.NAME}"`)
	diag.Detail = setReference.ReplaceAllString(diag.Detail, `"$1": "$${$2}"`)
	diag.Detail = setConstant.ReplaceAllString(diag.Detail, `"$1": $2`)
}
