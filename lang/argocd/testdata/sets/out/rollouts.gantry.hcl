rollout "go_clusters" {
  applications = application.go_clusters

  step {
    match = app.labels.env == "canary" # the canary first
  }

  step {
    match      = !contains(["canary", "legacy"], app.labels.env) && app.labels.tier != null
    max_update = "25%"
  }

  step {
    max_update = 2
  }
}
