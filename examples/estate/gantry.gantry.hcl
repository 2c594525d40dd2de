# What the configuration as a whole needs, and what protects it.
gantry {
  required_version = ">= 0.1"

  backend "local" {} # the default: .gantry/ beside the files

  identity { # who may vouch for who runs a command
    oidc {
      issuer    = "https://login.example.com"
      client_id = "gantry"
    }
  }

  protection { # read from the protected branch, never from the pull request
    branches = ["main"]
    approvals {
      count      = 2
      groups     = ["myorg:sre-team"]
      not_author = true
    }
    max_destroyed = 20
  }
}
