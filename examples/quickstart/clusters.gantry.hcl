# Labels are what generators select by, and what applications may read.

cluster "staging" {
  kubeconfig = var.kubeconfigs["staging"]
  labels     = { environment = "staging" }
}

cluster "production" {
  kubeconfig = var.kubeconfigs["production"]
  labels     = { environment = "production" }
}
