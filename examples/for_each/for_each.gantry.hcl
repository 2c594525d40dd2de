# One block, many applications. Each has an address of its own,
# application.team["blue"], and all of them follow the namespaces.

locals {
  teams = {
    blue  = { pods = 10 }
    green = { pods = 20 }
  }
}

cluster "main" {
  context = "gantry-default"
}

application "namespaces" {
  source {
    objects = [for name, team in local.teams : {
      apiVersion = "v1"
      kind       = "Namespace"
      metadata   = { name = "team-${name}" }
    }]
  }

  destination {
    cluster = cluster.main
  }
}

application "team" {
  for_each   = local.teams
  depends_on = [application.namespaces]

  source {
    objects = [{
      apiVersion = "v1"
      kind       = "ResourceQuota"
      metadata   = { name = "pods" }
      spec       = { hard = { pods = each.value.pods } }
    }]
  }

  destination {
    cluster   = cluster.main
    namespace = "team-${each.key}"
  }
}
