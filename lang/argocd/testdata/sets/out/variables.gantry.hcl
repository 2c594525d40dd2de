variable "github_token" {
  type        = string
  description = "The token that generators ask github with."
  sensitive   = true
}

variable "my_plugin_token" {
  type        = string
  description = "The token of the plugin generator that the ConfigMap my-plugin tells of."
  sensitive   = true
}
