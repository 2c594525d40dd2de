# Guard rails: what is outside of them is refused when planning.

project "shop" {
  description  = "The web shop, in staging and production"
  repositories = [var.repository]

  destination {
    clusters   = [cluster.staging, cluster.production]
    namespaces = ["cache", "api", "web"]
  }

  cluster_resources {
    allow = ["Namespace"]
  }
}
