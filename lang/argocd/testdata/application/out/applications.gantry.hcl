# The web shop.
# Owned by the web team.
application "web_shop" {
  source {
    repository = repository.config
    revision   = "release-1.2"
    path       = "web"
    directory {
      recurse = true
      include = "{web,api}/*.yaml" # only these
      exclude = "*.tmpl.yaml"
    }
  }

  source {
    repository = repository.config
    path       = "jsonnet"
    jsonnet {
      external_variables  = { env = "prod" }
      external_code       = { replicas = "3" }
      top_level_arguments = { name = "web" }
      libraries           = ["vendor", "lib"]
    }
  }

  source {
    repository = repository.config
    path       = "overlays/prod"
    kustomize {
      name_prefix = "prod-"
      name_suffix = "-v1"
      namespace   = "web"
      images = [
        # pinned by the release job
        "example.com/web:v2.4.1",
        "nginx=example.com/nginx@sha256:0000000000000000000000000000000000000000000000000000000000000000",
      ]
      labels                  = { app = "web" }
      label_without_selector  = true
      label_include_templates = true
      annotations             = { owner = "web", made-of = "overlays/prod@TODO$${ARGOCD_APP_REVISION_SHORT}" }
      replicas                = { web = 3, api = 2 }
      components              = ["../components/tls"]
      patches {
        patch   = <<-EOT
          - op: replace
            path: /spec/replicas
            value: $${count}
        EOT
        options = { allowNameChange = true }
        target {
          kind           = "Deployment"
          name           = "web"
          label_selector = "app=web"
        }
      }
      patches {
        path = "patch.yaml"
      }
    }
  }

  source {
    repository = repository.example
    revision   = "17.*"
    chart      = "redis"
    # again (name: image.tag)
    helm {
      release_name               = "redis"
      namespace                  = "cache"
      value_files                = ["values.yaml", "$config/redis.yaml"]
      ignore_missing_value_files = true
      values = {
        # how many
        replicas = 3
        enabled  = true
        # of things
        list = [
          "a", # first
          {
            b = 1
            c = ["x", true]
          },
        ]
        quoted  = "yes"
        big     = 9007199254740993
        float   = 1.50
        empty   = {}
        nothing = null
        script  = <<-EOT
          #!/bin/sh
          echo "$${HOME}" %%{if}
        EOT
      }
      parameters             = { "image.tag" = "7.2" }
      string_parameters      = { port = "6379" }
      file_parameters        = { config = "files/redis.conf" }
      kube_version           = "1.30"
      api_versions           = ["monitoring.coreos.com/v1"]
      skip_crds              = true
      skip_tests             = true
      skip_schema_validation = true
    }
  }

  source {
    repository = repository.web
    revision   = "1.0.0"
  }

  source {
    repository = repository.config
    ref        = "config"
  }

  destination {
    cluster   = cluster.prod_eu
    namespace = "web"
  }

  sync {
    create_namespace                 = true
    validate                         = false
    skip_dry_run_on_missing_resource = true
    prune_propagation_policy         = "background"
    replace                          = true
    fail_on_shared_resource          = true
    prune                            = "confirm"
    force                            = true
    managed_namespace_metadata {
      labels = { istio-injection = "enabled" }
    }
    automated {}
    retry {
      limit        = 100
      backoff      = "10s"
      factor       = 3
      max_duration = "5m"
    }
  }

  ignore_differences {
    group = "apps"
    kind  = "Deployment"
    json_pointers = [
      "/spec/replicas", # the autoscaler's
    ]
  }

  ignore_differences {
    kind                = "ConfigMap"
    name                = "web"
    namespace           = "web"
    jq_path_expressions = [".data[\"x\"]"]
    field_managers      = ["kube-controller-manager"]
  }

  labels = {
    team = "web" # who to ask
  }
  info                   = { docs = "https://docs.example.com", runbook = "https://wiki.example.com/web" }
  on_destroy             = "confirm"
  revision_history_limit = 3
}

application "plugin" {
  source {
    repository = repository.other
  }

  destination {
    cluster = cluster.cluster_10_0_0_1
  }

  sync {
    prune = false
    automated {
      enabled = false
    }
  }

  lifecycle {
    # The plugin sops makes its objects, which Gantry does not run.
    enabled = false # decrypts
  }

  on_destroy = "orphan"
}

application "values_as_text" {
  project = project.team_a

  source {
    repository = repository.argo_helm
    revision   = "0.41.0"
    chart      = "argo-workflows"
    helm {
      values = {}
    }
  }

  destination {
    cluster = cluster.in_cluster
  }

  lifecycle {
    enabled = false
  }

  on_destroy = "orphan"
}

application "broken_values" {
  source {
    repository = repository.config
    path       = "dry"
  }

  destination {
    cluster   = cluster.in_cluster
    namespace = "x"
  }

  on_destroy = "orphan"
}

application "values_unreadable" {
  source {
    repository = repository.argo_helm
    revision   = "*"
    chart      = "x"
    helm {
      values = { a = 2 }
    }
  }

  destination {
    cluster   = cluster.in_cluster
    namespace = "x"
  }

  on_destroy = "orphan"
}
