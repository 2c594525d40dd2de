application "web" {
  project = project.team_a

  source {
    repository = repository.web
    path       = "deploy"
  }

  destination {
    cluster   = cluster.in_cluster
    namespace = "team-a-web"
  }
}
