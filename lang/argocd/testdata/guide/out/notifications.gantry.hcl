notifier "slack" "slack" {
  token    = secret.kubernetes.slack_token
  username = "ArgoCD"
}

trigger "on_sync_failed" {
  when    = contains(["error", "failed"], app.operation.phase)
  message = <<-EOT
    Application ${app.name} sync ${app.operation.phase}
    Revision: ${app.sync.revision}
    Details: TODO{{.context.argocdUrl}}/applications/${app.name}
  EOT
}

trigger "on_health_degraded" {
  when     = app.health.status == "degraded"
  once_per = app.sync.revision
  message  = <<-EOT
    Application ${app.name} sync ${app.operation.phase}
    Revision: ${app.sync.revision}
    Details: TODO{{.context.argocdUrl}}/applications/${app.name}
  EOT
}
