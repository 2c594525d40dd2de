variable "image_tags" {
  type        = map(string)
  default     = {}
  description = "Tags of images, by application, that are rolled out before they are in the annotations of the clusters."
}

locals {
  env = {
    staging    = { auto = true, replicas = 1 }
    production = { auto = false, replicas = 3 }
  }
}
