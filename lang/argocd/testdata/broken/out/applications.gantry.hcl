application "same" {
  source {
    repository = repository.a
    path       = "a"
  }

  destination {
    cluster   = cluster.x
    namespace = "a"
  }

  on_destroy = "orphan"
}

application "empty" {
  destination {}

  on_destroy = "orphan"
}

application "wrong_types" {
  source {}

  destination {}

  on_destroy = "orphan"
}
