# What has no effect.

variable "forgotten" {
#^^^^^^^^^^^^^^^^^^^ warning: Unused variable: Nothing refers to var.forgotten, so that its value has no effect. Remove the block, or use it.
  default = 1
}

variable "self" {
#^^^^^^^^^^^^^^ warning: Unused variable: Nothing refers to var.self, so that its value has no effect. Remove the block, or use it.
  default = 1
  validation {
    condition     = var.self > 0
    error_message = "It must be positive."
  }
}

variable "used" {
  default = 1
}

variable "limit" {
  default = 9
}

variable "validated" {
  default = 2
  validation {
    condition     = var.validated < var.limit
    error_message = "It must be below the limit."
  }
}

locals {
  a = [var.used, var.validated]
}
