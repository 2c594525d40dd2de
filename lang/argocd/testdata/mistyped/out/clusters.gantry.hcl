# Where Argo CD runs. Outside a pod of it, say context = "..." instead.
cluster "in_cluster" {
  in_cluster = true
}
