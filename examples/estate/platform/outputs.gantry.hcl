output "namespaces" {
  value       = ["observability", "policies"]
  description = "Namespaces that services may rely on."
}
