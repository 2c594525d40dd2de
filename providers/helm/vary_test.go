package helm_test

import (
	"testing"
	"time"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers/helm"
)

func TestMayVary(t *testing.T) {
	for name, c := range map[string]struct {
		files   map[string]string
		options *source.HelmOptions
		want    bool
	}{
		"plain":               {expression(`{{ .Values.image.tag | quote }}`), nil, false},
		"random":              {expression(`{{ randAlphaNum 8 | quote }}`), nil, true},
		"in a pipe":           {expression(`{{ 8 | randAscii | b64enc | quote }}`), nil, true},
		"a certificate":       {expression("{{- $ca := genCA \"ca\" 365 }}\n{{ $ca.Cert | quote }}"), nil, true},
		"over several lines":  {expression("{{ printf \"%s\"\n  uuidv4 | quote }}"), nil, true},
		"the time":            {expression(`{{ now | date "2006" | quote }}`), nil, true},
		"salted":              {expression(`{{ htpasswd "a" "b" | quote }}`), nil, true},
		"derived":             {expression(`{{ derivePassword 1 "long" "a" "b" "c" | quote }}`), nil, false},
		"looked up":           {expression(`{{ lookup "v1" "Secret" "a" "b" | toJson | quote }}`), nil, false},
		"a word in YAML":      {map[string]string{"web/templates/now.yaml": "# now is the date\n"}, nil, false},
		"a comment":           {map[string]string{"web/templates/c.yaml": "{{- /* randAlpha 5 is not used */ -}}\n"}, nil, false},
		"a dependency":        {map[string]string{"web/charts/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n", "web/charts/db/templates/a.yaml": configMap(`{{ randNumeric 4 | quote }}`)}, nil, true},
		"values of the chart": {map[string]string{"web/values.yaml": "a: '{{ randAlpha 5 }}'\n"}, nil, true},
		"a helper":            {map[string]string{"web/templates/_h.tpl": `{{ define "h" }}{{ shuffle "abc" }}{{ end }}`}, nil, true},
		"given values":        {nil, &source.HelmOptions{Values: map[string]any{"a": []any{map[string]any{"b": "{{ randAlpha 5 }}"}}}}, true},
		"given plain values":  {nil, &source.HelmOptions{Values: map[string]any{"a": "randAlpha 5"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := helm.New().MayVary(t.Context(), input(c.options, c.files))
			if err != nil || got != c.want {
				t.Errorf("got %v (%v), expected %v", got, err, c.want)
			}
		})
	}
}

// TestLater: what is rendered later has another time, and nothing else that differs.
func TestLater(t *testing.T) {
	in := input(nil, expression(`{{ now | date "2006-01-02" | quote }}`))
	today := out(t, in)
	in.Later = 400 * 24 * time.Hour
	if got, want := out(t, in), time.Now().Add(in.Later).Format("2006-01-02"); got != want || got == today {
		t.Errorf("got %v, expected %v, and not %v", got, want, today)
	}
	in = input(nil, expression(`{{ now | ago | quote }}`))
	in.Later = time.Hour
	if got := out(t, in); got != "0s" {
		t.Errorf("the time, an hour later, was %v ago; expected 0s", got)
	}
}
