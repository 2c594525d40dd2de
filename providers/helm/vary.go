package helm

import (
	"context"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/Masterminds/sprig/v3"
	chart "helm.sh/helm/v4/pkg/chart/v2"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers"
)

var _ providers.Unsteady = (*Renderer)(nil)

// varying finds the functions of templates whose results may differ each time: random
// ones, those that make keys and certificates or salt what they make, those of the
// time, and those that list a map in no order.
var varying = regexp.MustCompile(`\b(rand(Alpha|AlphaNum|Numeric|Ascii|Bytes|Int)|shuffle|uuidv4|` +
	`gen(PrivateKey|CA|CAWithKey|SelfSignedCert|SelfSignedCertWithKey|SignedCert|SignedCertWithKey)|` +
	`bcrypt|htpasswd|encryptAES|now|ago|date|date_in_zone|dateInZone|htmlDate|htmlDateInZone|durationRound|keys|values)\b`)

// action is what is between the braces of a template; braces in its strings do not end it.
var action = regexp.MustCompile("(?s)\\{\\{(?:\"(?:\\\\.|[^\"\\\\])*\"|`[^`]*`|[^\"`])*?\\}\\}")

// MayVary reports whether the chart, one that it depends on, or the values for it use a
// function whose results may differ each time.
func (*Renderer) MayVary(ctx context.Context, in providers.Input) (bool, error) {
	l := &chartLoader{ctx: ctx, needed: in.Needed}
	c, err := l.root(in)
	if err != nil {
		return true, err
	}
	if chartMayVary(c) {
		return true, nil
	}
	options := source.HelmOptions{}
	if in.Spec.Helm != nil {
		options = *in.Spec.Helm
	}
	set, err := values(in, options)
	if err != nil {
		return true, err
	}
	return valueMayVary(set), nil
}

// chartMayVary looks at all that a template can execute: the templates, and through tpl
// the values and other files.
func chartMayVary(c *chart.Chart) bool {
	for _, file := range c.Raw {
		if path.Ext(file.Name) != ".md" && textMayVary(string(file.Data)) {
			return true
		}
	}
	for _, child := range c.Dependencies() {
		if chartMayVary(child) {
			return true
		}
	}
	return false
}

func textMayVary(text string) bool {
	for _, found := range action.FindAllString(text, -1) {
		// .Values, a comment and what is called so by a field are none.
		if varying.MatchString(found) && !strings.HasPrefix(strings.TrimLeft(found, "{- \t\n"), "/*") {
			return true
		}
	}
	return false
}

func valueMayVary(value any) bool {
	switch v := value.(type) {
	case string:
		return textMayVary(v)
	case map[string]any:
		for _, item := range v {
			if valueMayVary(item) {
				return true
			}
		}
	case []any:
		for _, item := range v {
			if valueMayVary(item) {
				return true
			}
		}
	}
	return false
}

// laterFunctions are the functions of the time, when that is later than it is.
func laterFunctions(later time.Duration) map[string]any {
	out := map[string]any{"now": func() time.Time { return time.Now().Add(later) }}
	if ago, ok := sprig.TxtFuncMap()["ago"].(func(any) string); ok {
		out["ago"] = func(date any) string {
			if t, isTime := date.(time.Time); isTime {
				date = t.Add(-later)
			}
			return ago(date)
		}
	}
	return out
}
