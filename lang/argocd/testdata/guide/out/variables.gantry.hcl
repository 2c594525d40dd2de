variable "slack_token" {
  type        = string
  description = "What the Secret argocd-notifications-secret holds as slack-token."
  sensitive   = true
}
