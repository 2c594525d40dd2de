secret "kubernetes" "slack_token" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "argocd-notifications-secret"
  key       = "slack-token"
}
