secret "kubernetes" "email_password" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "argocd-notifications-secret"
  key       = "email-password"
}

secret "kubernetes" "github_privateKey" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "argocd-notifications-secret"
  key       = "github-privateKey"
}

secret "kubernetes" "grafana_api_key" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "argocd-notifications-secret"
  key       = "grafana-api-key"
}

secret "kubernetes" "mattermost_token" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "argocd-notifications-secret"
  key       = "mattermost-token"
}

secret "kubernetes" "opsgenie_team_api_key" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "argocd-notifications-secret"
  key       = "opsgenie-team-api-key"
}

secret "kubernetes" "opsgenie_other_api_key" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "argocd-notifications-secret"
  key       = "opsgenie-other-api-key"
}

secret "kubernetes" "pagerduty_key_my_service" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "argocd-notifications-secret"
  key       = "pagerduty-key-my-service"
}

secret "kubernetes" "slack_token" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "argocd-notifications-secret"
  key       = "slack-token"
}

secret "kubernetes" "channel_teams_url" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "argocd-notifications-secret"
  key       = "channel-teams-url"
}

secret "kubernetes" "other_teams_url" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "argocd-notifications-secret"
  key       = "other-teams-url"
}

secret "kubernetes" "audit_team" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "argocd-notifications-secret"
  key       = "audit-team"
}

secret "kubernetes" "audit_password" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "argocd-notifications-secret"
  key       = "audit-password"
}
