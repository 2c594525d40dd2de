variable "repository" {
  type        = string
  description = "Where this repository is cloned from"
}

variable "revision" {
  type        = string
  default     = "main"
  description = "The branch, tag or commit that the clusters follow"
}

variable "kubeconfigs" {
  type        = map(string)
  description = "A kubeconfig file for each environment"
}
