# Jsonnet: external variables for what the whole file reads, top-level arguments for
# the function that it is.

cluster "main" {
  context = "gantry-default"
}

application "worker" {
  source {
    path = "./worker"
    jsonnet {
      external_variables = { team = "batch" }
      top_level_code     = { replicas = "1 + 1" }
      libraries          = ["worker/lib"]
    }
  }

  destination {
    cluster   = cluster.main
    namespace = "worker"
  }

  sync {
    create_namespace = true
  }
}
