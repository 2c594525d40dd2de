# where it runs
generator "list" "guestbook" {
  elements = {
    engineering-dev = {
      cluster = "engineering-dev" # the small one
      url     = cluster.dev
      values  = { tier = "small" }
    }
    engineering-prod = {
      cluster = "engineering-prod"
      url     = cluster.prod
      values  = { tier = "big" }
    }
  }
}

generator "clusters" "staging_eu_us" {
  selector {
    match_labels = { environment = "staging" }
    match_expressions {
      key      = "region"
      operator = "In"
      values   = ["eu", "us"]
    }
  }
}

generator "git" "config" {
  repository = repository.config

  files {
    path = "clusters/**/config.json"
  }

  files {
    path    = "clusters/old/*"
    exclude = true
  }
}

generator "git" "clusters" {
  for_each   = generator.clusters.staging_eu_us
  repository = repository.config

  files {
    path = "clusters/${each.value.name}/*.yaml"
  }
}

generator "clusters" "all" {}

generator "clusters" "false" {
  selector {
    match_labels = { use-kafka = "false" }
  }
}

generator "list" "merged_overrides" {
  elements = {
    "https://2.4.6.8" = {
      server = "https://2.4.6.8"
      values = { redis = "true" }
    }
  }
}

generator "merge" "merged" {
  generators = [
    { for key, item in generator.clusters.all : key => merge(item, { server = coalesce(item.server, "https://kubernetes.default.svc"), values = { kafka = "true", redis = "false" } }) },
    { for key, item in generator.clusters.false : key => merge(item, { server = coalesce(item.server, "https://kubernetes.default.svc"), values = { kafka = "false" } }) },
    generator.list.merged_overrides,
  ]
  keys = ["server"]
}

generator "list" "two" {
  elements = {
    a = { name = "a" }
    b = { name = "b" }
  }
}

generator "list" "two_2" {
  elements = { c = { name = "c" } }
}

generator "list" "different" {
  elements = { a = { name = "a", dir = "x" } }
}

generator "git" "apps" {
  repository = repository.merged

  directories {
    path = "apps/*"
  }

  directories {
    path    = "apps/old"
    exclude = true
  }
}

generator "pull_request" "previews" {
  forge      = "github"
  token      = var.github_token
  repository = "example/web"
  labels     = ["preview"]
  forks      = true

  filter {
    branch        = "^feature"
    target_branch = "^main$"
  }
}

generator "scm_provider" "previews" {
  forge          = "gitea"
  url            = "https://git.example.com"
  owner          = "example"
  all_branches   = true
  clone_protocol = "ssh"

  filter {
    repository = "^service-"
    label      = "deployed"
    paths      = ["deploy"]
  }
}

generator "pull_request" "previews_2" {
  forge      = "bitbucket_data_center"
  url        = "https://bitbucket.example.com"
  username   = "argocd"
  token      = var.bitbucket_data_center_token
  repository = "SHOP/web"
  forks      = true
}

generator "pull_request" "previews_3" {
  forge      = "bitbucket"
  token      = var.bitbucket_token
  repository = "example/web"
  forks      = true
}

generator "scm_provider" "previews_2" {
  forge          = "bitbucket_data_center"
  url            = "https://bitbucket.example.com"
  token          = var.bitbucket_data_center_token
  ca_certificate = var.bitbucket_data_center_ca_certificate
  owner          = "SHOP"
  all_branches   = true

  filter {
    branch = "^main$"
  }
}

generator "scm_provider" "previews_3" {
  forge    = "bitbucket"
  username = "argocd"
  token    = var.bitbucket_token
  owner    = "example"
}

generator "scm_provider" "previews_4" {
  forge = "github"
  owner = "example"

  app {
    id           = var.github_app_id
    installation = var.github_app_installation
    private_key  = var.github_app_private_key
  }
}

generator "plugin" "asked" {
  url   = "https://plugin.example.com"
  token = var.my_plugin_token
  input = {
    key1 = "value1"
    list = ["a", "b"]
  }
}

generator "cluster_decision_resource" "asked" {
  cluster     = cluster.in-cluster
  api_version = "cluster.open-cluster-management.io/v1beta1"
  kind        = "PlacementDecision"

  selector {
    match_labels = { duck = "spotted" }
  }
}
