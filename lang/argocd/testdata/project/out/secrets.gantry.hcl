secret "kubernetes" "slack_token" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "argocd-notifications-secret"
  key       = "slack-token"
}

secret "kubernetes" "teams_web" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "argocd-notifications-secret"
  key       = "teams-web"
}

secret "kubernetes" "pagerduty_key" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "argocd-notifications-secret"
  key       = "pagerduty-key"
}
