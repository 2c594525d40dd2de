profile "service" {
  sync {
    automated {
      enabled     = true
      prune       = true
      self_heal   = true
      allow_empty = false
    }
    retry {
      limit        = 5
      backoff      = "5s"
      factor       = 2
      max_duration = "3m"
    }
    create_namespace         = true
    prune_propagation_policy = "foreground"
    apply_out_of_sync_only   = true
  }
  revision_history_limit = 10
}
