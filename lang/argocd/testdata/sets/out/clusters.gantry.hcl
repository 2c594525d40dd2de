cluster "dev" {
  server = "https://dev.example.com"
}

cluster "prod" {
  server = "https://prod.example.com"
}

# Where Argo CD runs. Outside a pod of it, say context = "..." instead.
cluster "in-cluster" {
  in_cluster = true
}
