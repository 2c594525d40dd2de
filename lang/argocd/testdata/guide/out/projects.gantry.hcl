project "production" {
  description  = "Production workloads"
  repositories = ["https://github.com/myorg/k8s-config"]

  destination {
    clusters   = [cluster.prod_cluster]
    namespaces = ["*"]
  }

  cluster_resources {
    allow = ["Namespace"]
  }

  namespace_resources {
    deny = [
      "ResourceQuota", # Prevent apps from modifying quotas
    ]
  }

  role "deployer" {
    description = "Can sync but not delete apps"
    groups      = ["myorg:sre-team"]
    allow {
      actions      = ["get", "plan", "apply"]
      applications = ["*"]
    }
  }
}
