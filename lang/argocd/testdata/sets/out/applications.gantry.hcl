application "guestbook" {
  for_each = generator.list.guestbook
  name     = dns_label("${each.value.cluster}-guestbook")
  project  = project.my_project # guarded

  source {
    repository = repository.guestbook
    path       = "guestbook/${each.value.cluster}"
    helm {
      parameters = { host = "${each.value.cluster}-guestbook.example.com", price = "5$" }
    }
  }

  destination {
    cluster   = each.value.url
    namespace = "guestbook"
  }

  labels = { tier = each.value.values.tier }
}

application "go_clusters" {
  for_each = { for key, item in generator.clusters.staging_eu_us : key => item if try(item.name != "old", true) }
  name     = dns_label("${substr(lower(each.value.name), 0, 20)}-${dns_label(each.value.name)}")
  project  = project[each.value.labels.project]

  source {
    repository = repository.config
    revision   = each.value.labels["example.com/revision"]
    path       = "apps/${each.value.name}/v1"
    helm {
      values = {
        # rendered per cluster
        name  = each.value.name
        host  = "${each.value.name}.example.com"
        plain = "v1"
      }
      parameters = { region = each.value.labels.region }
    }
  }

  destination {
    cluster   = each.value.cluster
    namespace = "web"
  }

  lifecycle {
    destroy = false
  }

  labels = {
    env = coalesce(try(each.value.labels.env, null), "dev")
    if  = (each.value.labels.env == "prod") ? "yes" : "no"
  }
  on_destroy = "orphan"
}

application "quoted_values" {
  for_each = generator.git.config
  name     = dns_label("${each.value.path.basename}-${dns_label(each.value.path.segments[1])}")

  source {
    url  = each.value.repo.url
    path = each.value.path.path
    helm {
      values = {
        # which
        cluster = {
          name  = tostring(each.value.cluster.name) # quoted
          first = "${each.value.regions[0]}-x"
        }
      }
    }
  }

  destination {
    cluster   = one([for c in cluster : c if c.server == each.value.cluster.address])
    namespace = each.value.namespace
  }
}

application "nested" {
  for_each = flatmap(generator.clusters.staging_eu_us, generator.git.clusters)
  name     = dns_label("${each.value.name}-${each.value.app}")

  source {
    repository = repository.config
    path       = each.value.path.path
  }

  destination {
    cluster   = each.value.cluster
    namespace = each.value.app
  }
}

application "merged" {
  for_each = generator.merge.merged
  name     = dns_label(each.value.name)

  source {
    repository = repository.merged
    path       = "app"
    helm {
      parameters = { kafka = each.value.values.kafka, redis = each.value.values.redis }
    }
  }

  destination {
    cluster = each.value.cluster
  }
}

application "two" {
  for_each = merge(generator.list.two, generator.list.two_2)
  name     = dns_label(each.value.name)

  source {
    repository = repository.merged
    path       = each.value.name
  }

  destination {
    cluster = cluster.in-cluster
  }

  on_destroy = "orphan"
}

application "different" {
  for_each = generator.list.different
  name     = dns_label("special-${each.value.name}")

  source {
    repository = repository.merged
    path       = "special/${each.value.dir}"
  }

  destination {
    cluster   = cluster.in-cluster
    namespace = "special"
  }
}

application "different_2" {
  for_each = generator.git.apps
  name     = dns_label("x-${each.value.path.basename}")

  source {
    repository = repository.merged
    path       = "usual/${each.value.path.segments[0]}/${each.value.path.basename}"
  }

  destination {
    cluster   = cluster.in-cluster
    namespace = dns_label(each.value.path.basename)
  }
}

application "previews" {
  for_each = merge(generator.pull_request.previews, generator.scm_provider.previews, generator.pull_request.previews_2, generator.pull_request.previews_3, generator.scm_provider.previews_2, generator.scm_provider.previews_3, generator.scm_provider.previews_4)
  name     = dns_label("pr-${each.value.number}")

  source {
    repository = repository.merged
    path       = "x"
  }

  destination {
    cluster = cluster.in-cluster
  }
}

application "asked" {
  for_each = generator.plugin.asked
  name     = dns_label(each.value.name)

  source {
    repository = repository.merged
    path       = "${each.value.clusterName}/TODO{{range .x}}{{end}}"
  }

  destination {
    cluster = one([for c in cluster : c if c.server == each.value.server])
  }
}

application "asked_2" {
  for_each = generator.cluster_decision_resource.asked
  name     = dns_label(each.value.name)

  source {
    repository = repository.merged
    path       = "${each.value.decision.clusterName}/TODO{{range .x}}{{end}}"
  }

  destination {
    cluster = each.value.cluster
  }
}
