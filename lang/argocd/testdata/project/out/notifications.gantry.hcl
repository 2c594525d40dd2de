notifier "slack" "slack" {
  token = secret.kubernetes.slack_token # rotated monthly
}

notifier "webhook" "github" {
  url     = "https://api.github.com"
  headers = [{ name = "Authorization", value = "token ${var.github_token}" }]
}

notifier "email" "email" {
  host     = "smtp.example.com"
  port     = 587
  password = var.email_password
}

# when it breaks
# The app degraded
trigger "on_degraded" {
  when    = app.health.status == "degraded" && !(app.sync.status != "synced" || contains(["test"], app.labels.tier))
  message = "${app.name} is ${app.health.status}, see https://argocd.example.com"
}

trigger "on_time" {
  when     = false
  once_per = app.sync.revision
  message  = "${app.name} is ${app.health.status}, see https://argocd.example.com"
}
