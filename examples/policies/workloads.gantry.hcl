# Policies for what runs: pods, and what makes them.

locals {
  workloads = ["Pod", "apps/Deployment", "apps/StatefulSet", "apps/DaemonSet", "batch/Job", "batch/CronJob"]

  # Where images may come from.
  registries = ["registry.example.com/", "ghcr.io/example/"]
}

policy "no_latest_tag" {
  kinds    = local.workloads
  violated = anytrue([for c in try(object.spec.jobTemplate.spec.template.spec, object.spec.template.spec, object.spec).containers : endswith(c.image, ":latest") || !can(regex(":[^/]+$", c.image))])
  message  = "${object.metadata.name} runs an image without a version: nobody can tell what runs, or go back to it"
}

policy "known_registries" {
  kinds    = local.workloads
  violated = anytrue([for c in try(object.spec.jobTemplate.spec.template.spec, object.spec.template.spec, object.spec).containers : !anytrue([for r in local.registries : startswith(c.image, r)])])
  message  = "${object.metadata.name} runs an image of another registry than ${join(", ", local.registries)}"
}

policy "resources" {
  kinds    = local.workloads
  violated = anytrue([for c in try(object.spec.jobTemplate.spec.template.spec, object.spec.template.spec, object.spec).containers : !can(c.resources.requests.cpu) || !can(c.resources.limits.memory)])
  message  = "Every container of ${object.metadata.name} needs resources.requests.cpu and resources.limits.memory"
}

policy "no_host_access" {
  kinds = local.workloads
  violated = anytrue(flatten([for pod in [try(object.spec.jobTemplate.spec.template.spec, object.spec.template.spec, object.spec)] : [
    try(pod.hostNetwork, false), try(pod.hostPID, false), try(pod.hostIPC, false),
    [for v in try(pod.volumes, []) : can(v.hostPath)],
    [for c in concat(pod.containers, try(pod.initContainers, [])) : try(c.securityContext.privileged, false)],
  ]]))
  message = "${object.metadata.name} reaches the node that it runs on: it is privileged, or uses its network, processes or files"

  exempt {
    kinds      = ["apps/DaemonSet"]
    namespaces = ["kube-system"]
    reason     = "agents of nodes"
  }
}

policy "non_root" {
  kinds = local.workloads
  violated = anytrue([for pod in [try(object.spec.jobTemplate.spec.template.spec, object.spec.template.spec, object.spec)] :
    anytrue([for c in pod.containers : !try(c.securityContext.runAsNonRoot, pod.securityContext.runAsNonRoot, false)])
  ])
  message = "${object.metadata.name} may run as root: set securityContext.runAsNonRoot"
}

policy "readiness" {
  kinds       = ["apps/Deployment", "apps/StatefulSet"]
  enforcement = "warn"
  violated    = anytrue([for c in object.spec.template.spec.containers : !can(c.readinessProbe)])
  message     = "${object.metadata.name} has no readiness probe: it gets traffic before it is ready"
}

policy "replicas_in_production" {
  kinds    = ["apps/Deployment"]
  violated = app.labels.tier == "production" && try(object.spec.replicas, 1) < 2
  message  = "${object.metadata.name} needs two replicas in production: with one, every node that is drained is an outage"
}

policy "no_sudden_scale_down" {
  kinds       = ["apps/Deployment", "apps/StatefulSet"]
  actions     = ["update"]
  enforcement = "warn"
  violated    = try(object.spec.replicas < change.before.spec.replicas / 2, false)
  message     = "${object.metadata.name} loses more than half of its replicas: ${try(change.before.spec.replicas, 1)} become ${try(object.spec.replicas, 1)}"
}
