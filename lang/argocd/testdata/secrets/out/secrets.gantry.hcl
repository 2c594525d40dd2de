secret "kubernetes" "config_username" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "config-repo"
  key       = "username"
}

secret "kubernetes" "config_password" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "config-repo"
  key       = "password"
}

secret "kubernetes" "our_charts_client_certificate" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "charts"
  key       = "tlsClientCertData"
}

secret "kubernetes" "our_charts_client_key" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "charts"
  key       = "tlsClientCertKey"
}

secret "kubernetes" "private_ssh_key" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "ssh"
  key       = "sshPrivateKey"
}

secret "kubernetes" "example_username" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "org"
  key       = "username"
}

secret "kubernetes" "example_password" {
  cluster   = cluster.in_cluster
  namespace = "argocd"
  name      = "org"
  key       = "password"
}
