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
    gpg_keys = [
      var.gpg_key_abcdef,
      "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEawSL+xYJKwYBBAHaRw8BAQdAWK1YtHvwwhvui1Knhl6KdNza7cyS5CSu3EfM\naPP1Yi20HVJlbGVhc2UgPHJlbGVhc2VAZXhhbXBsZS5jb20+iJAEExYIADgWIQSQ\n7wYF7NnJdCJP5DIfZvIDHzO9dwUCawSL+wIbAwULCQgHAgYVCgkICwIEFgIDAQIe\nAQIXgAAKCRAfZvIDHzO9dxKxAQC6EZdgurb3x6noIxKbI0icyB796X4j1vnzb93x\nks/6lAEAtQ+6on9zUOL1+0xHhikiALf7hheMfWhWhWgLBH/gtQc=\n=pH8G\n-----END PGP PUBLIC KEY BLOCK-----\n",
    ]
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
    clusters   = ["*"]
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
