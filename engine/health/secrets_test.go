package health_test

import (
	"fmt"
	"testing"

	"github.com/gantrycd/gantry/engine/health"
)

// TestSecretsOfOperators: health says whether a Sealed Secret was unsealed and an External
// Secret synced, and an apply waits until the present one was.
func TestSecretsOfOperators(t *testing.T) {
	a := assessorOf(t, ``)
	sealed := func(generation, observed int, status, message string) string {
		return fmt.Sprintf(`{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, metadata: {name: a, namespace: b, generation: %d},
spec: {encryptedData: {token: AgB}}, status: {observedGeneration: %d, conditions: [{type: Synced, status: "%s", message: "%s"}]}}`, generation, observed, status, message)
	}
	external := func(generation int, synced, status, spec string) string {
		return fmt.Sprintf(`{apiVersion: external-secrets.io/v1, kind: ExternalSecret, metadata: {name: a, namespace: b, generation: %d}, spec: {%s},
status: {syncedResourceVersion: "%s", conditions: [{type: Ready, status: "%s", message: said}]}}`, generation, spec, synced, status)
	}
	store := func(kind, status string) string {
		return fmt.Sprintf(`{apiVersion: external-secrets.io/v1, kind: %s, metadata: {name: a}, status: {conditions: [{type: Ready, status: "%s", message: unable to validate store}]}}`, kind, status)
	}
	const stale = "generation 2 is not observed yet"
	for name, c := range map[string]struct {
		object string
		code   health.Code
		ready  health.Readiness
	}{
		"unsealed":                       {sealed(1, 1, "True", ""), health.Healthy, health.Readiness{Done: true}},
		"not unsealed":                   {sealed(1, 1, "False", "no key could decrypt secret (token)"), health.Degraded, health.Readiness{Degraded: true, Message: "no key could decrypt secret (token)"}},
		"unsealed, nobody knows":         {sealed(1, 1, "Unknown", "waiting"), health.Progressing, health.Readiness{Message: "waiting"}},
		"unsealed before":                {sealed(2, 1, "True", ""), health.Healthy, health.Readiness{Message: stale}},
		"not unsealed before":            {sealed(2, 1, "False", "no key"), health.Degraded, health.Readiness{Message: stale}},
		"not seen by its controller":     {`{apiVersion: bitnami.com/v1alpha1, kind: SealedSecret, metadata: {name: a, generation: 1}}`, health.Progressing, health.Readiness{Message: "has no status yet"}},
		"synced":                         {external(1, "1-519a61da", "True", "refreshInterval: 1m"), health.Healthy, health.Readiness{Done: true, Message: "said"}},
		"not synced":                     {external(1, "", "False", ""), health.Degraded, health.Readiness{Degraded: true, Message: "said"}},
		"synced, nobody knows":           {external(1, "", "Unknown", ""), health.Progressing, health.Readiness{Message: "said"}},
		"synced before":                  {external(2, "1-519a61da", "True", "refreshInterval: 1h0m0s"), health.Healthy, health.Readiness{Message: stale}},
		"synced before, on change":       {external(2, "1-519a61da", "True", "refreshInterval: 0s, refreshPolicy: OnChange"), health.Healthy, health.Readiness{Message: stale}},
		"synced again":                   {external(12, "12-519a61da", "True", ""), health.Healthy, health.Readiness{Done: true, Message: "said"}},
		"not synced any more":            {external(2, "1-519a61da", "False", ""), health.Degraded, health.Readiness{Degraded: true, Message: "said"}},
		"read once":                      {external(2, "1-519a61da", "True", "refreshPolicy: CreatedOnce"), health.Healthy, health.Readiness{Done: true, Message: "said"}},
		"never read again":               {external(2, "1-519a61da", "True", `refreshInterval: "0"`), health.Healthy, health.Readiness{Done: true, Message: "said"}},
		"of another operator's version":  {external(2, "something", "True", ""), health.Healthy, health.Readiness{Done: true, Message: "said"}},
		"not seen by its operator":       {`{apiVersion: external-secrets.io/v1, kind: ExternalSecret, metadata: {name: a, generation: 1}}`, health.Progressing, health.Readiness{Message: "has no status yet"}},
		"of the operator before it":      {`{apiVersion: kubernetes-client.io/v1, kind: ExternalSecret, metadata: {name: a}, status: {status: "ERROR, no such key"}}`, health.Degraded, health.Readiness{Degraded: true, Message: "ERROR, no such key"}},
		"a store":                        {store("SecretStore", "True"), health.Healthy, health.Readiness{Done: true, Message: "unable to validate store"}},
		"a store that cannot be reached": {store("ClusterSecretStore", "False"), health.Degraded, health.Readiness{Degraded: true, Message: "unable to validate store"}},
		"pushed":                         {store("PushSecret", "True"), health.Healthy, health.Readiness{Done: true, Message: "unable to validate store"}},
	} {
		o := parse(t, c.object)
		if got, known := a.Check(o); got.Code != c.code || !known {
			t.Errorf("%s: is %+v, want %s", name, got, c.code)
		}
		if got := a.Ready(o); got != c.ready {
			t.Errorf("%s: an apply sees %+v, want %+v", name, got, c.ready)
		}
	}
}
