credentials "example" {
  url_prefix = "https://github.com/example"

  auth {
    username = secret.kubernetes.example_username
    password = secret.kubernetes.example_password
  }
}

repository "config" {
  url = "https://github.com/example/config"

  auth {
    username = secret.kubernetes.config_username
    password = secret.kubernetes.config_password
  }
}

repository "our_charts" {
  url  = "https://charts.example.com"
  type = "helm"

  auth {
    client_certificate = secret.kubernetes.our_charts_client_certificate
    client_key         = secret.kubernetes.our_charts_client_key
  }
}

repository "private" {
  url      = "git@github.com:example/private.git"
  insecure = true

  auth {
    ssh_key = secret.kubernetes.private_ssh_key
  }
}
