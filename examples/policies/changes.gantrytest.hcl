# Policies about what changes: first it is applied, then it is edited.

run "first" {
  command = apply

  variables {
    replicas = 8
    extra    = [{ apiVersion = "v1", kind = "PersistentVolumeClaim", metadata = { name = "data", labels = { team = "shop" } }, spec = { accessModes = ["ReadWriteOnce"], resources = { requests = { storage = "1Gi" } } } }]
  }
}

run "fewer replicas, and no claim" {
  variables {
    replicas = 3
  }

  expect_failures = [policy.keep_data, policy.no_sudden_scale_down]

  assert {
    condition     = [for p in plan.policies : p.message if p.policy == "policy.no_sudden_scale_down"] == ["web loses more than half of its replicas: 8 become 3"]
    error_message = "What was there before is compared."
  }
}
