repository "config" {
  url = "https://github.com/example/config.git"
}

repository "example" {
  url = "https://charts.example.com/stable"
}

repository "web" {
  url      = "oci://registry.example.com/charts/web"
  revision = "1.0.0"
}

repository "other" {
  url = "git@github.com:example/other.git"
}

repository "argo_helm" {
  url = "https://argoproj.github.io/argo-helm"
}
