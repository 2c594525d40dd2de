variable "prod_eu_token" {
  type        = string
  description = "The token that the Secret prod holds in its config."
  sensitive   = true
}
