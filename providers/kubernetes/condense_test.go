package kubernetes

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/providers"
)

func TestCondense(t *testing.T) {
	long := `{"containers":[{"name":"c","command":["a","}: b"]}],"unset":"` + strings.Repeat("x", longestValue) + `"}`
	list := `["` + strings.Repeat("x", longestValue) + `"]`
	tests := map[string]string{
		`no value`:                                           `no value`,
		`replicas: Invalid value: -1: must be`:               `replicas: Invalid value: -1: must be`,
		`ips: Invalid value: ["1.2.3.5"]: no`:                `ips: Invalid value: ["1.2.3.5"]: no`,
		`a: Invalid value: ` + long + `: field is immutable`: `a: Invalid value: {…}: field is immutable`,
		`[a: Invalid value: ` + long + `: one, b: Invalid value: ` + list + `: two, c: Invalid value: 3: three]`: `[a: Invalid value: {…}: one, b: Invalid value: […]: two, c: Invalid value: 3: three]`,
		`a: Invalid value: {` + long: `a: Invalid value: {` + long, // not JSON: left as it is
		`a: Invalid value: `:         `a: Invalid value: `,
	}
	for message, want := range tests {
		if got := condense(message); got != want {
			t.Errorf("condense(%q)\n got %q\nwant %q", message, got, want)
		}
	}
}

func TestRefusalsAreCondensed(t *testing.T) {
	long := `{"spec":"` + strings.Repeat("x", 2*longestValue) + `"}`
	c, _ := serve(t, refuse(422, "Invalid", fmt.Sprintf(`Job.batch "j" is invalid: spec.template: Invalid value: %s: field is immutable`, long)))
	_, err := c.Apply(t.Context(), configMapRequest())
	var invalid *providers.InvalidError
	if !errors.As(err, &invalid) || !strings.Contains(err.Error(), "spec.template: Invalid value: {…}: field is immutable") {
		t.Errorf("error %v, want an InvalidError with the value left out", err)
	}
}
