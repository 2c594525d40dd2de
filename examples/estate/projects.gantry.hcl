project "production" {
  description = "Production workloads"
  repositories = [ # globs; "!" denies
    "https://github.com/myorg/k8s-config",
    "https://kubernetes.github.io/ingress-nginx",
  ]

  destination {
    clusters   = [cluster.prod_eu]
    namespaces = ["*"]
  }

  cluster_resources {
    allow = ["Namespace"] # "Kind", "group/Kind", "group/Kind:name", globs
  }
  namespace_resources {
    deny = ["ResourceQuota"]
  }

  role "deployer" {
    description = "Can apply but not destroy"
    groups      = ["myorg:sre-team"]
    allow {
      actions      = ["get", "plan", "apply"]
      applications = ["*"]
    }
  }

  sync_window {
    kind         = "allow" # or "deny", which wins
    schedule     = "0 9 * * 1-5"
    duration     = "8h"
    time_zone    = "Europe/Berlin"
    applications = ["*"] # or namespaces, clusters, labels
    manual_sync  = true
  }

  notify {
    trigger    = trigger.on_sync_failed
    to         = notifier.slack.myorg
    recipients = ["#alerts"]
  }
}
