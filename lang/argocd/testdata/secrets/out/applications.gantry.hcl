application "a" {
  source {
    repository = repository.private
    path       = "a"
  }

  destination {
    cluster   = cluster.prod_eu
    namespace = "a"
  }
}
