cluster "prod_eu" {
  server = "https://prod-eu.example.com"

  auth {
    exec {
      command = "aws"
      args    = ["eks", "get-token", "--cluster-name", "prod-eu"]
    }
  }

  labels      = { environment = "production", region = "eu" }
  annotations = { image-tag = "v2.4.1" }
}

# Where Argo CD runs. Outside a pod of it, say context = "..." instead.
cluster "in_cluster" {
  in_cluster = true
}

cluster "prod_cluster" {
  server = "https://prod-cluster.example.com"
}
