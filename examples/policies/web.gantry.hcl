# An application that passes all policies.

cluster "local" {
  context = "gantry-default"
}

variable "extra" {
  type        = any
  default     = []
  description = "More objects of the application: the tests try policies with them."
}

variable "replicas" {
  type    = number
  default = 2
}

application "web" {
  labels = { tier = "production" }

  source {
    objects = concat([
      {
        apiVersion = "apps/v1"
        kind       = "Deployment"
        metadata   = { name = "web", labels = { team = "shop" } }
        spec = {
          replicas = var.replicas
          selector = { matchLabels = { app = "web" } }
          template = {
            metadata = { labels = { app = "web" } }
            spec = {
              securityContext = { runAsNonRoot = true, runAsUser = 1000 }
              containers = [{
                name           = "web"
                image          = "registry.example.com/web:1.4.2"
                resources      = { requests = { cpu = "10m" }, limits = { memory = "64Mi" } }
                readinessProbe = { httpGet = { path = "/", port = 8080 } }
              }]
            }
          }
        }
      },
      {
        apiVersion = "v1"
        kind       = "Service"
        metadata   = { name = "web", labels = { team = "shop" } }
        spec       = { selector = { app = "web" }, ports = [{ port = 80, targetPort = 8080 }] }
      },
    ], var.extra)
  }

  destination {
    cluster   = cluster.local
    namespace = "policies"
  }

  sync {
    create_namespace = true
  }
}
