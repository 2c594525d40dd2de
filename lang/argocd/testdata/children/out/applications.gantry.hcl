application "one" {
  source {
    repository = repository.config
    path       = "one"
  }

  destination {
    cluster   = cluster.in_cluster
    namespace = "one"
  }

  on_destroy = "orphan"
}

application "two" {
  source {
    repository = repository.config
    path       = "two"
  }

  destination {
    cluster   = cluster.in_cluster
    namespace = "one"
  }

  on_destroy = "orphan"
}

application "mixed" {
  source {
    repository = repository.config
    path       = "mixed"
  }

  destination {
    cluster   = cluster.in_cluster
    namespace = "argocd"
  }

  on_destroy = "orphan"
}

application "elsewhere" {
  source {
    repository = repository.config
    path       = "unknown/apps"
  }

  destination {
    cluster   = cluster.in_cluster
    namespace = "argocd"
  }

  on_destroy = "orphan"
}

application "maker" {
  for_each = generator.list.maker
  name     = dns_label(each.value.name)

  source {
    repository = repository.config
    path       = each.value.name
  }

  destination {
    cluster   = cluster.in_cluster
    namespace = "one"
  }
}
