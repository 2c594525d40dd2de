application "ingress_nginx" {
  project = project.production

  source {
    repository = repository.ingress_nginx
    revision   = "4.11.*"
    chart      = "ingress-nginx"
    helm {
      release_name = "ingress"
      value_files  = ["$values/ingress/prod.yaml"]
      values = {
        # the controller itself
        controller = {
          replicaCount = 3 # one per zone
          nodeSelector = { "kubernetes.io/os" = "linux" }
        }
      }
    }
  }

  source {
    repository = repository.k8s_config
    ref        = "values"
  }

  destination {
    cluster   = cluster.in_cluster
    namespace = "ingress"
  }

  on_destroy = "orphan"
}

# cascade delete (resources-finalizer.argocd.argoproj.io)
application "payments_service" {
  project = project.production

  source {
    repository = repository.k8s_config
    path       = "apps/payments-service/overlays/production"
    # For Helm charts:
    # chart: payments-service
    # helm:
    #   releaseName: payments
    #   values: |
    #     replicaCount: 3
    #     image:
    #       tag: "v2.4.1"
  }

  destination {
    cluster   = cluster.in_cluster
    namespace = "payments"
  }

  # Only apply changed resources (ApplyOutOfSyncOnly=true)
  sync {
    create_namespace = true
    # Never sync to empty state (allowEmpty: false)
    automated {
      prune     = true # Delete resources removed from Git
      self_heal = true # Revert manual kubectl changes
    }
    retry {
      limit = 5
    }
  }

  notify {
    trigger    = trigger.on_sync_succeeded
    to         = notifier.slack.slack
    recipients = ["#deployments"]
  }

  notify {
    trigger    = trigger.on_sync_failed
    to         = notifier.slack.slack
    recipients = ["#alerts"]
  }
}

application "payments_service_all_clusters" {
  for_each = generator.matrix.payments_service_all_clusters
  name     = dns_label("${each.value.name}-payments")
  project  = project.production

  source {
    repository = repository.k8s_config
    path       = each.value.path.path
    kustomize {
      images = ["payments:${each.value.annotations.image-tag}"]
    }
  }

  destination {
    cluster   = each.value.cluster
    namespace = "payments"
  }

  sync {
    create_namespace = true
    automated {
      prune     = true
      self_heal = true
    }
  }
}
