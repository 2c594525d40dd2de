role "sre" {
  groups = ["myorg:sre-team"]
  allow {
    actions      = ["get", "plan", "apply", "rollback", "hold", "action/*"]
    applications = ["*/*"] # project/application
  }
}

role "dev_payments" {
  groups = ["myorg:payments-team"]
  allow {
    actions      = ["get", "plan"]
    applications = ["payments/*"]
  }
  allow {
    actions      = ["apply"]
    applications = ["payments/staging-*"]
  }
}

policy "no_latest_tag" {
  kinds       = ["apps/Deployment"]
  actions     = ["create", "update"]
  enforcement = "deny" # or "warn", or "approve": needs an approval that names it
  violated    = anytrue([for c in object.spec.template.spec.containers : endswith(c.image, ":latest")])
  message     = "${object.metadata.name} runs a :latest image"
}
