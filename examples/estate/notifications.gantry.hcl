notifier "slack" "myorg" {
  token = secret.kubernetes.slack
}

trigger "on_sync_failed" {
  when     = contains(["error", "failed"], app.operation.phase)
  once_per = app.sync.revision
  message  = "Application ${app.name} sync ${app.operation.phase} at ${app.sync.revision}"
}
