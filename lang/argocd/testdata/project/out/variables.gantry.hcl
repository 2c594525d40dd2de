variable "github_token" {
  type        = string
  description = "What the Secret argocd-notifications-secret holds as github-token."
  sensitive   = true
}

variable "email_username" {
  type        = string
  description = "What the Secret argocd-notifications-secret holds as email-username."
}

variable "email_password" {
  type        = string
  description = "What was written in argocd-notifications-cm, service.email."
  sensitive   = true
}

variable "ops_url" {
  type        = string
  description = "What was written in argocd-notifications-cm, service.teams."
  sensitive   = true
}

variable "gpg_key_abcdef" {
  type        = string
  description = "The OpenPGP public key ABCDEF, whose signatures are good: what gpg --export --armor prints."
}
