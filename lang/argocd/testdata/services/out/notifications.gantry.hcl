# Every service of the catalogue of Argo CD's notifications, as its pages show it.
notifier "email" "gmail" {
  username = var.gmail_username
  password = secret.kubernetes.email_password
  host     = "smtp.gmail.com"
  port     = 465
  tls      = "tls"
  from     = var.gmail_from
}

notifier "github" "github" {
  app_id          = "12345"
  installation_id = "67890"
  private_key     = secret.kubernetes.github_privateKey
}

notifier "github" "enterprise" {
  app_id          = "12345"
  installation_id = "67890"
  api_url         = "https://github.example.com/api/v3"
  private_key     = secret.kubernetes.github_privateKey
}

notifier "grafana" "grafana" {
  api_url = "https://grafana.example.com/api"
  token   = secret.kubernetes.grafana_api_key
  tags    = ["argo", "deployments"]
}

notifier "grafana" "plain" {
  api_url = "https://grafana.example.com/api"
  token   = secret.kubernetes.grafana_api_key
}

notifier "mattermost" "mattermost" {
  api_url = "https://mattermost.example.com"
  token   = secret.kubernetes.mattermost_token
}

notifier "mattermost" "bare" {
  api_url = "https://mattermost.example.com"
  token   = secret.kubernetes.mattermost_token
}

notifier "opsgenie" "your_team" {
  api_key = secret.kubernetes.opsgenie_team_api_key
  api_url = "https://api.opsgenie.com"
}

notifier "opsgenie" "other_team" {
  api_key = secret.kubernetes.opsgenie_other_api_key
  api_url = "https://api.opsgenie.com"
}

notifier "pagerduty" "my_service" {
  routing_key = secret.kubernetes.pagerduty_key_my_service
}

notifier "slack" "slack" {
  token    = secret.kubernetes.slack_token
  username = "gantry"
  icon     = ":rocket:"
  api_url  = "https://slack.example.com/api/"
}

notifier "teams" "channelName" {
  url = secret.kubernetes.channel_teams_url
}

notifier "teams" "other_channel" {
  url = secret.kubernetes.other_teams_url
}

notifier "webhook" "audit" {
  url = "https://audit.example.com/hook"

  header {
    name  = "Content-Type"
    value = "application/json"
  }

  header {
    name  = "Authorization"
    value = "Bearer ${var.audit_token}"
  }

  header {
    name  = "X-Team"
    value = secret.kubernetes.audit_team
  }

  username = "argo"
  password = secret.kubernetes.audit_password
}

notifier "webhook" "github" {
  url = "https://api.github.com"

  header {
    name  = "Authorization"
    value = "token ${var.github_token}"
  }
}

trigger "done" {
  when    = contains(["succeeded"], app.operation.phase)
  message = "Application ${app.name} is synced."
}

trigger "failed" {
  when    = contains(["failed"], app.operation.phase)
  message = "Application ${app.name} failed."

  email {
    subject = "${app.name} failed"
    html    = "<p>The sync of <b>${app.name}</b> failed.</p>"
  }

  slack {
    attachments = [
      {
        title  = app.name
        color  = "#f4c030"
        fields = [{ title = "Revision", value = "at ${app.sync.revision}", short = true }]
      },
    ]
    thread    = app.sync.revision
    broadcast = true
    delivery  = "update"
  }

  webhook {
    body = {
      name    = app.name
      failed  = true
      code    = 7
      nothing = null
    }
  }

  pagerduty {
    severity = "critical"
  }

  github {
    state   = "failure"
    context = "delivery/${app.name}"
  }

  opsgenie {
    description = "[${app.name}]"
  }
}
