package kubernetes

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// bigList is a page of Deployments as a server sends them, managedFields and
// status included.
func bigList(tb testing.TB, items int) []byte {
	tb.Helper()
	const deployment = `{"metadata":{"name":"web-%[1]d","namespace":"team-%[2]d","uid":"9a6e1c9e-6d0e-4e0c-a1d7-%012[1]d","resourceVersion":"%[3]d","generation":3,"creationTimestamp":"2026-01-02T03:04:05Z",` +
		`"labels":{"app.kubernetes.io/name":"web","app.kubernetes.io/instance":"web-%[1]d","app.kubernetes.io/part-of":"shop"},"annotations":{"deployment.kubernetes.io/revision":"3","example.com/track":"Deployment.apps team-%[2]d/web-%[1]d"},` +
		`"managedFields":[{"manager":"gantry","operation":"Apply","apiVersion":"apps/v1","time":"2026-01-02T03:04:05Z","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:labels":{"f:app.kubernetes.io/name":{},"f:app.kubernetes.io/instance":{},"f:app.kubernetes.io/part-of":{}},"f:annotations":{"f:example.com/track":{}}},"f:spec":{"f:replicas":{},"f:selector":{},"f:template":{"f:metadata":{"f:labels":{"f:app.kubernetes.io/name":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{".":{},"f:name":{},"f:image":{},"f:ports":{"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}},"f:resources":{"f:requests":{"f:cpu":{},"f:memory":{}},"f:limits":{"f:memory":{}}},"f:env":{"k:{\"name\":\"LOG_LEVEL\"}":{".":{},"f:name":{},"f:value":{}}}}}}}}}},` +
		`{"manager":"kube-controller-manager","operation":"Update","apiVersion":"apps/v1","time":"2026-01-02T03:04:09Z","fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{"f:deployment.kubernetes.io/revision":{}}},"f:status":{"f:availableReplicas":{},"f:conditions":{".":{},"k:{\"type\":\"Available\"}":{".":{},"f:lastTransitionTime":{},"f:lastUpdateTime":{},"f:message":{},"f:reason":{},"f:status":{},"f:type":{}}},"f:observedGeneration":{},"f:readyReplicas":{},"f:replicas":{},"f:updatedReplicas":{}}},"subresource":"status"}]},` +
		`"spec":{"replicas":2,"selector":{"matchLabels":{"app.kubernetes.io/name":"web"}},"template":{"metadata":{"creationTimestamp":null,"labels":{"app.kubernetes.io/name":"web"}},"spec":{"containers":[{"name":"web","image":"registry.example.com/web:1.2.%[2]d","ports":[{"containerPort":8080,"protocol":"TCP"}],"env":[{"name":"LOG_LEVEL","value":"info \"quoted\" \u00e9"}],"resources":{"limits":{"memory":"128Mi"},"requests":{"cpu":"100m","memory":"64Mi"}},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","securityContext":{},"schedulerName":"default-scheduler"}},"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"25%%","maxSurge":"25%%"}},"revisionHistoryLimit":10,"progressDeadlineSeconds":600},` +
		`"status":{"observedGeneration":3,"replicas":2,"updatedReplicas":2,"readyReplicas":2,"availableReplicas":2,"conditions":[{"type":"Available","status":"True","lastUpdateTime":"2026-01-02T03:04:09Z","lastTransitionTime":"2026-01-02T03:04:09Z","reason":"MinimumReplicasAvailable","message":"Deployment has minimum availability."}]}}`
	var list strings.Builder
	list.WriteString(`{"kind":"DeploymentList","apiVersion":"apps/v1","metadata":{"resourceVersion":"123"},"items":[`)
	for i := range items {
		if i > 0 {
			list.WriteByte(',')
		}
		_, _ = fmt.Fprintf(&list, deployment, i, i%50, 100000+i)
	}
	list.WriteString(`]}`)
	if !json.Valid([]byte(list.String())) {
		tb.Fatal("the list is no JSON")
	}
	return []byte(list.String())
}

func BenchmarkDecodeList(b *testing.B) {
	for _, items := range []int{500, 10000} {
		body := bigList(b, items)
		b.Run(fmt.Sprint(items), func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				read, err := decodePage(body, configMaps)
				if err != nil || len(read.items) != items {
					b.Fatal(err, len(read.items))
				}
			}
		})
	}
}
