# Objects written right here: no files, no templates.

variable "message" {
  type    = string
  default = "Maintenance on Sunday"
}

cluster "main" {
  context = "gantry-default"
}

application "banner" {
  source {
    objects = [
      {
        apiVersion = "v1"
        kind       = "ConfigMap"
        metadata   = { name = "banner" }
        data       = { message = var.message }
      },
    ]
  }

  destination {
    cluster   = cluster.main
    namespace = "banner"
  }

  sync {
    create_namespace = true
  }
}
