# A chart. Later wins: the chart's own values, value_files in order, values,
# parameters.

variable "replicas" {
  type    = number
  default = 2

  validation {
    condition     = var.replicas > 0
    error_message = "At least one replica is needed."
  }
}

cluster "main" {
  context = "gantry-default"
}

application "queue" {
  source {
    path = "./queue"
    helm {
      release_name = "jobs"
      value_files  = ["values/small.yaml"]
      values = {
        replicas = var.replicas
        limits   = { memory = "256Mi" }
      }
    }
  }

  destination {
    cluster   = cluster.main
    namespace = "queue"
  }

  sync {
    create_namespace = true
  }
}
