# Where everything goes. Labels and annotations feed the generators.
cluster "management" {
  context = "management" # or, in a pod of it, in_cluster = true
}

cluster "prod_eu" {
  server = "https://prod-eu.example.com" # or kubeconfig = "...", context = "prod-eu"
  auth {
    exec {
      command = "aws"
      args    = ["eks", "get-token", "--cluster-name", "prod-eu"]
    }
  }
  labels      = { environment = "production", region = "eu", tier = "canary" }
  annotations = { image-tag = "v2.4.1" }
}
