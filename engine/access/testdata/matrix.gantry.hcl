# Whom and what testdata/matrix.golden asks about.

role "everybody" {
  default = true

  allow {
    actions      = ["get"]
    applications = ["*/*"]
  }
  deny {
    actions      = ["*"]
    applications = ["secret/*"]
  }
}

role "sre" {
  groups = ["example:sre"]

  allow {
    actions      = ["get", "plan", "apply", "rollback", "hold", "action/*"]
    applications = ["*/*"]
  }
  deny {
    actions      = ["destroy", "action/delete"]
    applications = ["production/*"]
  }
}

role "admin" {
  groups  = ["example:admins"]
  issuers = ["https://login.example.com"]

  allow {
    actions      = ["*"]
    applications = ["*/*"]
  }
}

role "restarter" {
  allow {
    actions      = ["action/Deployment/restart", "action/argoproj.io/Rollout/*"]
    applications = ["{payments,web}/*"]
  }
}

role "payments" {
  groups   = ["example:payments"]
  inherits = [role.restarter]

  allow {
    actions      = ["plan"]
    applications = ["payments/*"]
  }
  allow {
    actions      = ["apply", "destroy", "override"]
    applications = ["payments/staging-*"]
  }
}

role "pipeline" {
  subjects = ["repo:example/web:ref:refs/heads/main"]
  issuers  = ["https://ci.example.com"]

  allow {
    actions      = ["plan", "apply", "approve"]
    applications = ["*/web*", "/*"]
  }
}

project "production" {
  role "deployer" {
    groups = ["example:deployers"]

    allow {
      actions      = ["*"]
      applications = ["*"]
    }
  }
}

project "web" {
  role "frozen" {
    groups = ["example:sre", "example:admins"]

    deny {
      actions      = ["apply", "state"]
      applications = ["web-frozen"]
    }
  }
}
