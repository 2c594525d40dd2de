variable "cluster" {
  type        = cluster
  description = "Where the platform goes."
}

variable "project" {
  type        = project
  description = "What it belongs to."
}
