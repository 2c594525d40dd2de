notifier "slack" "slack" {
  token = secret.kubernetes.slack_token # rotated monthly
}

notifier "webhook" "github" {
  url = "https://api.github.com"

  header {
    name  = "Authorization"
    value = "token ${var.github_token}"
  }
}

notifier "email" "email" {
  host     = "smtp.example.com"
  username = var.email_username
  from     = "argocd@example.com"
  password = var.email_password
}

notifier "teams" "web" {
  url = secret.kubernetes.teams_web
}

notifier "teams" "ops" {
  url = var.ops_url
}

notifier "pagerduty" "my_service" {
  routing_key = secret.kubernetes.pagerduty_key
}

# when it breaks
# The app degraded
trigger "on_degraded" {
  when    = app.health.status == "degraded" && !(app.sync.status != "synced" || contains(["test"], app.labels.tier))
  message = "${app.name} is ${app.health.status}, see https://argocd.example.com"

  slack {
    attachments = []
  }
}

trigger "on_time" {
  when     = false
  once_per = app.sync.revision
  message  = "${app.name} is ${app.health.status}, see https://argocd.example.com"

  slack {
    attachments = []
  }
}
