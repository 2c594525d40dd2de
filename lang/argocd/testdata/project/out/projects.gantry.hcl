project "team_a" {
  # what it is for
  description = "Team A"
  repositories = [
    "https://github.com/example/*", # ours
    "!https://github.com/example/secret",
  ]

  destination {
    clusters = [cluster.in_cluster]
    namespaces = [
      "team-a-*",
      "team-b", # shared
    ]
  }

  destination {
    namespaces = ["!kube-system"]
  }

  destination {
    clusters   = ["prod_*"]
    namespaces = ["*"]
  }

  cluster_resources {
    allow = ["Namespace:team-a-*", "rbac.authorization.k8s.io/*"]
    deny  = ["Node"]
  }

  namespace_resources {
    allow = ["*", "/Service"]
  }

  signature {
    gpg_keys = ["ABCDEF"]
  }

  identity {
    service_account = "deployer"
  }

  orphaned_resources {
    ignore {
      kind = "ConfigMap"
      name = "cache-*"
    }
  }

  role "ci" {
    groups = ["example:ci"]
    # may deploy
    allow {
      actions      = ["apply"]
      applications = ["*"]
    }
    deny {
      actions      = ["destroy"]
      applications = ["web"]
    }
  }

  sync_window {
    kind         = "allow"
    schedule     = "0 9 * * 1-5"
    duration     = "8h"
    time_zone    = "Europe/Berlin"
    applications = ["*"]
    clusters     = [cluster.in_cluster, "prod_*"]
    manual_sync  = true
  }

  sync_window {
    kind       = "deny"
    schedule   = "0 0 * * *"
    duration   = "1h"
    namespaces = ["default"]
    match      = "all"
  }

  notify {
    trigger    = trigger.on_sync_failed
    to         = notifier.slack.slack
    recipients = ["#alerts", "#team-a"]
  }

  notify {
    trigger = trigger.on_degraded
    to      = notifier.teams.web
  }

  notify {
    trigger = trigger.on_degraded
    to      = notifier.pagerduty.my_service
  }
}

project "default" {
  cluster_resources {
    allow = ["*"]
  }
}

project "nothing" {
  repositories = ["!**"]

  destination {
    clusters = ["!*"]
  }
}
