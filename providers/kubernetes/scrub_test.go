package kubernetes

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/providers"
)

// TestSecretsStayOutOfErrors has servers and webhooks that repeat the values of
// a Secret in all the ways they have.
func TestSecretsStayOutOfErrors(t *testing.T) {
	const canary = "c4nary-Value!"
	encoded := base64.StdEncoding.EncodeToString([]byte(canary))
	multiline := "line one\n" + canary + "\nline three"
	messages := map[string]string{
		"quoted":          fmt.Sprintf(`Secret "db" is invalid: data[password]: Invalid value: %q: must be good`, canary),
		"encoded":         fmt.Sprintf(`Secret "db" is invalid: data[password]: Invalid value: %q`, encoded),
		"bare":            fmt.Sprintf("Secret in version v1 cannot be handled: illegal data at %s here", canary),
		"bare encoded":    fmt.Sprintf("cannot decode %s", encoded),
		"multiline":       fmt.Sprintf("cannot parse certificate %q", multiline),
		"multiline plain": "cannot parse certificate:\n" + multiline,
		"typed patch":     "failed to create typed patch object (web/db; /v1, Kind=Secret): .stringData.pin: expected string, got &value.valueUnstructured{Value:987654321}",
		"typed string":    fmt.Sprintf("expected map, got &value.valueUnstructured{Value:%q}", canary),
		"webhook":         fmt.Sprintf(`admission webhook "policy.example.com" denied the request: password '%s' is in a list of leaked ones`, canary),
		"transformed":     fmt.Sprintf(`webhook says: "prefix-%s-suffix"`, strings.ToUpper(canary)),
		"typed map":       `expected string, got &value.valueUnstructured{Value:map[string]interface {}{"deep":map[string]interface {}{"n":987654321}, "x":ab1}}`,
		"typed list":      "errors:\n  .stringData: expected map, got &{[987654321 ab1]}\n  .x: field not declared in schema",
		"number":          "pin 987654321 is a phone number",
		"short":           "the value ab1 is too short (ab1)",
	}
	for _, code := range []int{400, 403, 409, 422, 500, 503} {
		for name, message := range messages {
			t.Run(fmt.Sprint(code, " ", name), func(t *testing.T) {
				c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
					status(w, code, "Invalid", message, map[string]any{
						"name": "db", "kind": "Secret",
						"causes": []any{map[string]any{"reason": "FieldValueInvalid", "field": "data[password]", "message": message}},
					})
				})
				r := secretRequest(map[string]any{"password": canary, "tls.crt": multiline, "pin": int64(987654321), "short": "ab1"})
				_, applied := c.Apply(t.Context(), r)
				_, created := c.Create(t.Context(), r)
				_, patched := c.Patch(t.Context(), secrets, "web", "db", fmt.Appendf(nil,
					`[{"op":"replace","path":"/data/password","value":%q},{"op":"add","path":"/stringData","value":{"x":%q,"pin":987654321,"short":"ab1","many":%q}}]`, encoded, canary, multiline), false)
				for _, err := range []error{applied, created, patched} {
					text := fmt.Sprintf("%v %+v %#v", err, err, err)
					for _, secret := range []string{canary, strings.ToUpper(canary), encoded, "987654321", "ab1", "line three"} {
						if strings.Contains(text, secret) {
							t.Errorf("the error holds %q: %s", secret, text)
						}
					}
				}
			})
		}
	}
}

func TestScrubbedErrorsStayReadable(t *testing.T) {
	r := secretRequest(map[string]any{"password": "c4nary-Value!", "short": "a"})
	scrub := scrubberOf(r.Resource, r.Object)
	tests := map[string]string{
		`Secret "db" is invalid: data[password]: Invalid value: "c4nary-Value!": a bad one`: `Secret "db" is invalid: data[password]: Invalid value: (sensitive): a bad one`,
		`unknown field "stringData.password"`:                                               `unknown field "stringData.password"`,
		"data: Forbidden: field is immutable when `immutable` is set":                       "data: Forbidden: field is immutable when `immutable` is set",
		`namespaces "web" not found`:                                                        `namespaces "web" not found`,
		`admission webhook "policy.example.com" denied the request: a label is missing`:     `admission webhook "policy.example.com" denied the request: a label is missing`,
		`type: Invalid value: "Opaque": field is immutable`:                                 `type: Invalid value: (sensitive): field is immutable`,
	}
	for message, want := range tests {
		if got := scrub.clean(message); got != want {
			t.Errorf("clean(%q)\n got %q\nwant %q", message, got, want)
		}
	}
}

func TestValuesOfMistypedFieldsAreScrubbed(t *testing.T) {
	r := secretRequest(nil)
	r.Object["dta"] = map[string]any{"password": "c4nary-Value!"}
	got := scrubberOf(r.Resource, r.Object).clean(`unknown field "dta.password" with c4nary-Value!`)
	if want := `unknown field "dta.password" with (sensitive)`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOnlySecretsAreScrubbed(t *testing.T) {
	c, _ := serve(t, refuse(422, "Invalid", `ConfigMap "settings" is invalid: data[a]: Invalid value: "1"`))
	_, err := c.Apply(t.Context(), configMapRequest())
	if err == nil || !strings.Contains(err.Error(), `Invalid value: "1"`) {
		t.Errorf("error %v, want the server's words whole", err)
	}
}

func TestSecretsStayOutOfWarnings(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("Warning", `299 - "value c4nary-Value! is weak"`)
		writeJSON(w, http.StatusOK, map[string]any{"apiVersion": "v1", "kind": "Secret"})
	})
	result, err := c.Apply(t.Context(), secretRequest(map[string]any{"password": "c4nary-Value!"}))
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Warnings) != 1 || result.Warnings[0] != "value (sensitive) is weak" {
		t.Errorf("warnings %q", result.Warnings)
	}
}

func TestLastAppliedIsScrubbed(t *testing.T) {
	r := secretRequest(nil)
	r.Object = object.Object{
		"apiVersion": "v1", "kind": "Secret",
		"metadata": map[string]any{
			"name": "db", "namespace": "web",
			"annotations": map[string]any{lastApplied: `{"data":{"old":"b2xkLWNhbmFyeS0x"}}`},
		},
	}
	got := scrubberOf(providers.Resource{GVK: secrets.GVK}, r.Object).clean("found old-canary-1 and b2xkLWNhbmFyeS0x")
	if want := "found (sensitive) and (sensitive)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
