# An app of apps is a module, stamped per cluster ...
module "platform" {
  source   = "./platform"
  for_each = generator.clusters.production
  cluster  = each.value.cluster
  project  = project.production
}

# ... or objects written right here.
application "banner" {
  project  = project.production
  profiles = [profile.service]
  source {
    objects = [{
      apiVersion = "v1"
      kind       = "ConfigMap"
      metadata   = { name = "banner" }
      data       = { motd = "Maintenance on Sunday" }
    }]
  }

  destination {
    cluster   = cluster.prod_eu
    namespace = "web"
  }
}
