repository "k8s_config" {
  url      = "https://github.com/myorg/k8s-config"
  revision = "main"
}

repository "ingress_nginx" {
  url = "https://kubernetes.github.io/ingress-nginx"
}
