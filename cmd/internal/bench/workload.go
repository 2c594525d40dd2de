package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// objectsPerService is how many objects service writes.
const objectsPerService = 10

// kindsPerService is how many kinds these have, for the requests that a plan
// may need.
const kindsPerService = 10

// namespaces is how many namespaces services are spread over: 10 to 50.
func namespaces(services int) int { return min(max(services/20, 10), 50) }

// writeWorkload writes services' files in folders of perApplication each.
func writeWorkload(dir string, services, perApplication int) error {
	for i := range services {
		if err := writeService(dir, i, perApplication, "v1"); err != nil {
			return err
		}
	}
	return nil
}

// namespace names the i-th.
func namespace(i int) string { return fmt.Sprintf("bench-%d", i) }

// configure writes the configuration that makes an application of each folder, and, where
// it is to make them, one of the namespaces.
func (b *bench) configure(withNamespaces bool) error {
	text := configuration(b.dir, b.services, b.kubeconfig)
	if withNamespaces {
		text = strings.Replace(text, "  for_each   =", "  depends_on = [application.namespaces]\n  for_each   =", 1) + namespaceApplication
	}
	return os.WriteFile(filepath.Join(b.dir, "bench.gantry.hcl"), []byte(text), 0o644)
}

const namespaceApplication = `
application "namespaces" {
  source {
    objects = [for name in local.namespaces : {
      apiVersion = "v1"
      kind       = "Namespace"
      metadata   = { name = name }
    }]
  }
  destination {
    cluster = cluster.bench
  }
}
`

func configuration(dir string, services int, kubeconfig string) string {
	return fmt.Sprintf(`
locals {
  namespaces = [for n in range(%d) : "bench-${n}"]
}

cluster "bench" {
  kubeconfig = %q
}

repository "bench" {
  url      = %q
  revision = "main"
}

generator "git" "applications" {
  repository = repository.bench
  directories {
    path = "applications/*"
  }
}

application "services" {
  for_each   = generator.git.applications

  source {
    repository = repository.bench
    path       = each.value.path.path
  }
  destination {
    cluster   = cluster.bench
    namespace = local.namespaces[tonumber(trimprefix(each.value.path.basename, "application-")) %% %d]
  }
}
`, namespaces(services), kubeconfig, "file://"+dir, namespaces(services))
}

// writeService writes the objects of one service. version is in one of them.
func writeService(dir string, i, perApplication int, version string) error {
	name := fmt.Sprintf("service-%d", i)
	folder := filepath.Join(dir, "applications", fmt.Sprintf("application-%d", i/perApplication))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	settings := strings.Repeat(fmt.Sprintf("setting of %s that is there to be read\n", name), 2048/(37+len(name)))
	text := strings.NewReplacer("NAME", name, "VERSION", version, "SETTINGS", indent(settings)).Replace(service)
	return os.WriteFile(filepath.Join(folder, name+".yaml"), []byte(text), 0o644)
}

func indent(text string) string { return strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ") }

const service = `apiVersion: v1
kind: ServiceAccount
metadata:
  name: NAME
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: NAME
data:
  version: VERSION
  settings: |
    SETTINGS
---
apiVersion: v1
kind: Secret
metadata:
  name: NAME
stringData:
  password: not-a-secret-NAME
---
apiVersion: v1
kind: Service
metadata:
  name: NAME
spec:
  selector:
    app: NAME
  ports:
    - name: http
      port: 80
      targetPort: 8080
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
spec:
  replicas: 0
  selector:
    matchLabels:
      app: NAME
  template:
    metadata:
      labels:
        app: NAME
    spec:
      serviceAccountName: NAME
      containers:
        - name: main
          image: registry.example.com/bench/NAME:v1
          ports:
            - containerPort: 8080
          envFrom:
            - configMapRef:
                name: NAME
            - secretRef:
                name: NAME
          resources:
            requests:
              cpu: 10m
              memory: 16Mi
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: NAME
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: NAME
  minReplicas: 1
  maxReplicas: 3
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: 80
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: NAME
spec:
  podSelector:
    matchLabels:
      app: NAME
  policyTypes:
    - Ingress
  ingress:
    - ports:
        - protocol: TCP
          port: 8080
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: NAME
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      app: NAME
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: NAME
rules:
  - apiGroups: [""]
    resources: [configmaps]
    verbs: [get, list, watch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: NAME
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: NAME
subjects:
  - kind: ServiceAccount
    name: NAME
`
