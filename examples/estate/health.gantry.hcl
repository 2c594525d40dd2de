health "cert-manager.io/Certificate" {
  healthy  = condition("Ready").status == "True"
  degraded = condition("Ready").status == "False" && condition("Issuing").status != "True"
  message  = condition("Ready").message
}
