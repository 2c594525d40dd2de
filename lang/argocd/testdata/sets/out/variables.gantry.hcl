variable "github_token" {
  type        = string
  description = "The token that generators ask github with."
  sensitive   = true
}

variable "bitbucket_data_center_token" {
  type        = string
  description = "The token that generators ask bitbucket_data_center with."
  sensitive   = true
}

variable "bitbucket_token" {
  type        = string
  description = "The token that generators ask bitbucket with."
  sensitive   = true
}

variable "bitbucket_data_center_ca_certificate" {
  type        = string
  description = "The authorities that the certificate of bitbucket_data_center must come from, in PEM."
}

variable "github_app_id" {
  type        = string
  description = "The ID of the app that generators ask github as."
}

variable "github_app_installation" {
  type        = string
  description = "The ID of that app's installation."
}

variable "github_app_private_key" {
  type        = string
  description = "The private key of that app, in PEM."
  sensitive   = true
}

variable "my_plugin_token" {
  type        = string
  description = "The token of the plugin generator that the ConfigMap my-plugin tells of."
  sensitive   = true
}
