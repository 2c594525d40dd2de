health "cert-manager.io/*" {
  healthy  = condition("Ready").status == "True"
  degraded = condition("Ready").status == "False"
}
