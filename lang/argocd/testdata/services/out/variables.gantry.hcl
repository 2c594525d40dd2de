variable "gmail_username" {
  type        = string
  description = "What the Secret argocd-notifications-secret holds as email-username."
}

variable "gmail_from" {
  type        = string
  description = "What the Secret argocd-notifications-secret holds as email-username."
}

variable "audit_token" {
  type        = string
  description = "What the Secret argocd-notifications-secret holds as audit-token."
  sensitive   = true
}

variable "github_token" {
  type        = string
  description = "What the Secret argocd-notifications-secret holds as github-token."
  sensitive   = true
}
