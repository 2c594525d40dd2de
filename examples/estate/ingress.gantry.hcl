# A Helm chart, values as HCL, and value files from a second source.
application "ingress" {
  project  = project.production
  profiles = [profile.service]

  source {
    repository = repository.config
    ref        = "values"
  }
  source {
    repository = repository.ingress_charts
    chart      = "ingress-nginx"
    revision   = "4.11.*"
    helm {
      release_name = "ingress"
      value_files  = ["$values/ingress/prod.yaml"]
      values = {
        controller = { replicaCount = local.env.production.replicas }
      }
    }
  }

  destination {
    cluster   = cluster.prod_eu
    namespace = "ingress"
  }
}
