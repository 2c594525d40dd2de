# Admins can do everything
# kubectl edit configmap argocd-rbac-cm -n argocd
role "admin" {
  groups = ["myorg:platform-team"]

  allow {
    actions      = ["*"]
    applications = ["*/*"]
  }
}

role "sre" {
  groups = ["myorg:sre-team"]

  # SRE can sync and view but not create/delete apps
  allow {
    actions      = ["get", "plan", "apply", "action/*"]
    applications = ["*/*"]
  }
}

role "dev_payments" {
  groups = ["myorg:payments-team"]

  # Developers can only view their own project
  allow {
    actions      = ["get", "plan"]
    applications = ["payments/*"]
  }

  allow {
    actions      = ["apply"]
    applications = ["payments/staging-*"]
  }
}

role "readonly" {
  default = true

  allow {
    actions      = ["get", "plan"]
    applications = ["*/*"]
  }
}
