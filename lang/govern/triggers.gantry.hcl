# The usual triggers. A trigger block with one of these names takes its place.

trigger "on_created" {
  when     = true
  once_per = app.address
  message  = "Application ${app.name} has been created."
}

trigger "on_deleted" {
  when    = app.leaving
  message = "Application ${app.name} is being destroyed."
}

trigger "on_deployed" {
  when     = app.operation.phase == "succeeded" && app.health.status == "healthy"
  once_per = app.sync.revision
  message  = "Application ${app.name} has been deployed at ${coalesce(app.sync.revision, "an unknown revision")}."
}

trigger "on_health_degraded" {
  when    = app.health.status == "degraded"
  message = "Application ${app.name} is degraded: ${coalesce(app.health.message, "no reason is given")}"
}

trigger "on_sync_failed" {
  when     = contains(["error", "failed"], app.operation.phase)
  once_per = app.operation.started_at
  message  = "The sync of application ${app.name} has failed: ${coalesce(app.operation.message, "no reason is given")}"
}

trigger "on_sync_running" {
  when     = app.operation.phase == "running"
  once_per = app.operation.started_at
  message  = "The sync of application ${app.name} has begun at ${coalesce(app.operation.started_at, "an unknown time")}."
}

trigger "on_sync_status_unknown" {
  when    = app.sync.status == "unknown"
  message = "It cannot be told whether application ${app.name} is in sync: ${coalesce(app.operation.message, "no reason is given")}"
}

trigger "on_sync_succeeded" {
  when     = app.operation.phase == "succeeded"
  once_per = app.operation.started_at
  message  = "Application ${app.name} has been synced."
}
