# A kustomization, and what is changed on top of it.

variable "tag" {
  type    = string
  default = "v1.2.0"
}

cluster "main" {
  context = "gantry-default"
}

application "web" {
  source {
    path = "./web"
    kustomize {
      images      = ["registry.example.com/web:${var.tag}"]
      name_prefix = "blue-"
      labels      = { "example.com/team" = "web" }
      replicas    = { web = 2 }
    }
  }

  destination {
    cluster   = cluster.main
    namespace = "web"
  }

  sync {
    create_namespace = true
  }
}
