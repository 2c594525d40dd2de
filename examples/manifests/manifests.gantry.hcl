# A directory of YAML, beside this file. With a repository it would be a directory
# of the repository.

cluster "main" {
  context = "gantry-default"
}

application "hello" {
  source {
    path = "./hello"
    manifests {
      recurse = true
      exclude = "notes/*"
    }
  }

  destination {
    cluster   = cluster.main
    namespace = "hello"
  }

  sync {
    create_namespace = true
  }
}
