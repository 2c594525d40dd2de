notifier "slack" "slack" {
  token    = var.slack_token
  username = "ArgoCD"
}

trigger "on_sync_failed" {
  when    = contains(["error", "failed"], app.operation.phase)
  message = "TODO: Application {{.app.metadata.name}} sync {{.app.status.operationState.phase}}\nRevision: {{.app.status.sync.revision}}\nDetails: {{.context.argocdUrl}}/applications/{{.app.metadata.name}}"
}

trigger "on_health_degraded" {
  when     = app.health.status == "degraded"
  once_per = app.sync.revision
  message  = "TODO: Application {{.app.metadata.name}} sync {{.app.status.operationState.phase}}\nRevision: {{.app.status.sync.revision}}\nDetails: {{.context.argocdUrl}}/applications/{{.app.metadata.name}}"
}
