repository "shop" {
  url      = var.repository
  revision = var.revision
}

# Every cluster, and every folder below apps. A new cluster or a new folder is
# enough for new applications.
generator "clusters" "all" {}

generator "git" "services" {
  repository = repository.shop
  directories {
    path = "apps/*"
  }
}

generator "matrix" "services" {
  generators = [generator.clusters.all, generator.git.services]
}

# A Helm chart per cluster, with the values of its environment.
application "cache" {
  for_each = generator.clusters.all
  project  = project.shop

  source {
    repository = repository.shop
    path       = "charts/cache"
    helm {
      release_name = "cache"
      value_files  = ["values/${each.value.labels.environment}.yaml"]
    }
  }

  destination {
    cluster   = each.value.cluster
    namespace = "cache"
  }

  sync {
    create_namespace = true
  }
}

# The overlay of the environment, for every service on every cluster; each waits
# until the cache of its cluster is healthy.
application "service" {
  for_each   = generator.matrix.services
  name       = dns_label("${each.value.path.basename}-${each.value.name}")
  project    = project.shop
  depends_on = [application.cache[each.value.name]]

  source {
    repository = repository.shop
    path       = "${each.value.path.path}/overlays/${each.value.labels.environment}"
  }

  destination {
    cluster   = each.value.cluster
    namespace = each.value.path.basename
  }

  sync {
    create_namespace = true
  }
}
