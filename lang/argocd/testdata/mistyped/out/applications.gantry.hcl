application "web" {
  source {
    repository = repository.example
    revision   = "1.2.3"
    chart      = "web"
    helm {
      values = { image = { tag = "b" } }
    }
  }

  destination {
    cluster   = cluster.in_cluster
    namespace = "web"
  }

  on_destroy = "orphan"
}

application "web3" {
  destination {}

  on_destroy = "orphan"
}

application "web4" {
  source {
    repository = repository.x
    path       = "a"
    kustomize {}
  }

  destination {
    cluster = cluster.in_cluster
  }

  on_destroy = "orphan"
}
