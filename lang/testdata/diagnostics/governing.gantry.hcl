# All that governs, and nothing to say about it.

gantry {
  encryption {
    recipients = ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]
  }
  protection {
    branches = ["main"]
  }
}

secret "environment" "slack" {
  variable = "SLACK"
}

cluster "prod" {
  context = "prod"
}

project "production" {
  destination {
    clusters   = [cluster.prod]
    namespaces = ["kube-*"]
    deny       = true
  }
  source {
    paths = ["apps/**"]
  }
  signature {
    ssh_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA release"]
  }
  identity {
    service_account = "gantry:deployer"
  }
  orphaned_resources {}

  sync_window {
    kind      = "allow"
    schedule  = "0 9 * * 1-5"
    duration  = "8h"
    time_zone = "Europe/Berlin"
  }
  sync_window {
    kind     = "deny"
    schedule = "0 0 24 12 *"
    duration = "72h"
  }

  notify {
    trigger    = trigger.on_sync_failed
    to         = notifier.slack.ops
    recipients = ["#alerts"]
  }
  notify {
    trigger    = trigger.mine
    to         = notifier.slack.ops
    recipients = ["#alerts"]
  }
}

notifier "slack" "ops" {
  token = secret.environment.slack
}

trigger "mine" {
  when    = app.health.status == "degraded"
  message = "${app.name} is degraded"
}

policy "no_latest_tag" {
  kinds    = ["apps/Deployment"]
  violated = anytrue([for c in object.spec.template.spec.containers : endswith(c.image, ":latest")])
}

application "web" {
  source { path = "x" }
  destination { cluster = cluster.prod }
}

rollout "web" {
  applications = application.web
  step {
    match = app.labels.tier == "canary"
  }
  step {
    max_update = "25%"
  }
}
