# What the policies deny, warn of, and let pass.

run "the application passes" {
  assert {
    condition     = length([for p in plan.policies : p if p.exempt == null]) == 0 && plan.summary.create == 3
    error_message = "A policy has something against the application."
  }
}

run "images need a version" {
  variables {
    extra = [for image in ["registry.example.com/a", "registry.example.com/a:latest"] : {
      apiVersion = "v1", kind = "Pod", metadata = { name = "pod-${length(image)}", labels = { team = "shop" } }
      spec       = { securityContext = { runAsNonRoot = true }, containers = [{ name = "a", image = image, resources = { requests = { cpu = "1m" }, limits = { memory = "1Mi" } } }] }
    }]
  }

  expect_failures = [policy.no_latest_tag]

  assert {
    condition     = length([for p in plan.policies : p if p.policy == "policy.no_latest_tag"]) == 2
    error_message = "Both images are without a version."
  }
}

run "images of other registries" {
  variables {
    extra = [{
      apiVersion = "batch/v1", kind = "CronJob", metadata = { name = "nightly", labels = { team = "shop" } }
      spec = { schedule = "0 3 * * *", jobTemplate = { spec = { template = { spec = {
        restartPolicy   = "Never"
        securityContext = { runAsNonRoot = true }
        containers      = [{ name = "a", image = "docker.io/library/a:1", resources = { requests = { cpu = "1m" }, limits = { memory = "1Mi" } } }]
      } } } } }
    }]
  }

  expect_failures = [policy.known_registries]
}

run "containers that are anything" {
  variables {
    extra = [{
      apiVersion = "v1", kind = "Pod", metadata = { name = "anything", labels = { team = "shop" } }
      spec       = { hostNetwork = true, containers = [{ name = "a", image = "registry.example.com/a:1" }] }
    }]
  }

  expect_failures = [policy.resources, policy.no_host_access, policy.non_root]
}

run "without a readiness probe" {
  variables {
    extra = [{
      apiVersion = "apps/v1", kind = "StatefulSet", metadata = { name = "db", labels = { team = "shop" } }
      spec = { selector = { matchLabels = { app = "db" } }, serviceName = "db", template = { metadata = { labels = { app = "db" } }, spec = {
        securityContext = { runAsNonRoot = true }
        containers      = [{ name = "a", image = "registry.example.com/a:1", resources = { requests = { cpu = "1m" }, limits = { memory = "1Mi" } } }]
      } } }
    }]
  }

  assert {
    condition     = [for p in plan.policies : "${p.enforcement} ${p.policy} ${p.name}" if p.exempt == null] == ["warn policy.readiness db"] && plan.summary.create == 4
    error_message = "It is a warning, and no more."
  }
}

run "one replica in production" {
  variables {
    replicas = 1
  }

  expect_failures = [policy.replicas_in_production]
}

run "more replicas than the cluster's rule allows" {
  variables {
    replicas = 11
  }

  expect_failures = [policy.admission]

  assert {
    condition     = [for p in plan.policies : "${p.rule}: ${p.message}" if p.exempt == null] == ["replica-limit: web has 11 replicas, and may have 10"]
    error_message = "The limit is the parameter's."
  }
}

run "objects of nobody" {
  variables {
    extra = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "settings" } }]
  }

  expect_failures = [policy.team_label]

  assert {
    condition     = [for p in plan.policies : p.name if p.exempt == null] == ["settings"]
    error_message = "Only the ConfigMap has no team."
  }
}

run "what is reached from outside" {
  variables {
    extra = [
      { apiVersion = "v1", kind = "Service", metadata = { name = "open", labels = { team = "shop" } }, spec = { type = "LoadBalancer", ports = [{ port = 80 }] } },
      { apiVersion = "v1", kind = "Service", metadata = { name = "meant", labels = { team = "shop" }, annotations = { "example.com/public" = "yes" } }, spec = { type = "LoadBalancer", ports = [{ port = 80 }] } },
      { apiVersion = "networking.k8s.io/v1", kind = "Ingress", metadata = { name = "plain", labels = { team = "shop" } }, spec = { rules = [{ host = "web.example.com" }] } },
    ]
  }

  expect_failures = [policy.public_services, policy.ingress_tls]

  assert {
    condition     = toset([for p in plan.policies : p.name if p.exempt == null]) == toset(["open", "plain"])
    error_message = "The Service that says it is public may be."
  }
}

run "rights over everything" {
  variables {
    extra = [
      { apiVersion = "rbac.authorization.k8s.io/v1", kind = "ClusterRoleBinding", metadata = { name = "admins", labels = { team = "shop" } }, roleRef = { apiGroup = "rbac.authorization.k8s.io", kind = "ClusterRole", name = "cluster-admin" }, subjects = [] },
      { apiVersion = "rbac.authorization.k8s.io/v1", kind = "ClusterRole", metadata = { name = "all", labels = { team = "shop" } }, rules = [{ apiGroups = ["*"], resources = ["*"], verbs = ["*"] }] },
    ]
  }

  expect_failures = [policy.no_cluster_admin, policy.no_wildcards]
}
