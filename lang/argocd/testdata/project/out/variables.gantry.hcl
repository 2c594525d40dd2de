variable "github_token" {
  type        = string
  description = "What the Secret argocd-notifications-secret holds as github-token."
  sensitive   = true
}

variable "email_password" {
  type        = string
  description = "The password of the notifier email."
  sensitive   = true
}
