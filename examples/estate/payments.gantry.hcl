application "payments_service" {
  project  = project.production
  profiles = [profile.service] # later wins; attributes replace, blocks merge

  source {
    repository = repository.config # or url = "..."
    path       = "apps/payments-service/overlays/production"
    kustomize {
      images = ["payments:v2.4.1"]
    }
  }

  destination {
    cluster   = cluster.prod_eu
    namespace = "payments"
  }

  ignore_differences {
    group               = "apps"
    kind                = "Deployment"
    json_pointers       = ["/spec/replicas"]
    jq_path_expressions = [".spec.template.spec.containers[] | select(.name == \"proxy\")"]
    field_managers      = ["kube-controller-manager"]
  }

  lifecycle {
    prevent_destroy = true
  }

  labels     = { team = "payments" }
  info       = { runbook = "https://wiki.example.com/payments" }
  on_destroy = "delete" # or "orphan": leave the objects
  depends_on = [application.ingress]
}

# An ApplicationSet is a generator, and for_each.
generator "clusters" "production" {
  selector {
    match_labels = { environment = "production" }
  }
}

generator "git" "overlays" {
  repository = repository.config
  directories {
    path = "apps/payments-service/overlays/*"
  }
  directories {
    path    = "apps/payments-service/overlays/legacy"
    exclude = true
  }
  max_removed = "50%" # a plan in which more items vanish needs saying so
}

generator "matrix" "payments" {
  generators = [generator.clusters.production, generator.git.overlays]
}

application "payments" {
  for_each = generator.matrix.payments
  name     = dns_label("payments-${each.value.name}-${each.value.path.basename}")
  project  = project.production
  profiles = [profile.service]

  source {
    repository = repository.config
    path       = each.value.path.path
    kustomize {
      images = ["payments:${lookup(var.image_tags, "payments", each.value.annotations.image-tag)}"]
    }
  }

  destination {
    cluster   = each.value.cluster
    namespace = "payments-${each.value.path.basename}"
  }

  labels = { tier = each.value.labels.tier }
}

# Progressive sync: a step starts when the one before is synced and healthy at this
# change, and has baked.
rollout "payments" {
  applications = application.payments
  step {
    match = app.labels.tier == "canary"
    bake  = "10m"
  }
  step {
    max_update = "25%"
  }
}
