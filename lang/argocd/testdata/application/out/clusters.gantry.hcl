cluster "prod_eu" {
  context = "prod-eu"
}

cluster "cluster_10_0_0_1" {
  server = "https://10.0.0.1:6443"
}

# Where Argo CD runs. Outside a pod of it, say context = "..." instead.
cluster "in_cluster" {
  in_cluster = true
}
