# What every cluster has, before any service.
application "namespaces" {
  project = var.project

  source {
    objects = [for name in ["observability", "policies"] : {
      apiVersion = "v1"
      kind       = "Namespace"
      metadata   = { name = name, labels = { region = var.cluster.labels.region } }
    }]
  }

  destination {
    cluster = var.cluster
  }
}

application "collector" {
  project = var.project

  source {
    url  = "./manifests"
    path = "observability"
  }

  destination {
    cluster   = var.cluster
    namespace = "observability"
  }

  depends_on = [application.namespaces]
}
