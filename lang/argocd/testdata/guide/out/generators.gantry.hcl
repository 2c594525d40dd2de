generator "clusters" "production" {
  selector {
    match_labels = { environment = "production" }
  }
}

generator "git" "overlays" {
  repository = repository.k8s_config

  directories {
    path = "apps/payments-service/overlays/*"
  }
}

generator "matrix" "payments_service_all_clusters" {
  generators = [generator.clusters.production, generator.git.overlays]
}
