# the big one
cluster "prod_eu" {
  server         = "https://prod-eu.example.com:6443"
  ca_certificate = <<-EOT
    -----BEGIN CERTIFICATE-----
    missing
    -----END CERTIFICATE-----
  EOT

  auth {
    token = var.prod_eu_token
  }

  labels = { environment = "production" }
}

cluster "staging" {
  server = "https://staging.example.com"

  auth {
    exec {
      command     = "login"
      args        = ["--user", "x", "--client-secret", "TODO", "--token=TODO"]
      env         = { REGION = "eu" }
      api_version = "client.authentication.k8s.io/v1beta1"
    }
  }
}

cluster "in_cluster" {
  in_cluster = true
  labels     = { environment = "management" }
}
