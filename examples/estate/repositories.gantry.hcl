credentials "myorg" {
  url_prefix = "https://github.com/myorg/"
  auth {
    token = secret.kubernetes.git
  }
}

repository "config" {
  url      = "https://github.com/myorg/k8s-config"
  revision = "main" # what sources track unless they say otherwise
  verify {
    ssh_keys = [file("release-signers.pub")]
  }
}

repository "ingress_charts" {
  url = "https://kubernetes.github.io/ingress-nginx" # type: git, helm or oci; guessed, or said
}
