# What must be true before anything is planned.

cluster "eu" {
  server = "https://eu.example.com"
  labels = { tier = "one" }
}

profile "careful" {
  lifecycle {
    precondition {
      condition     = cluster.eu.labels.tier == "two"
#                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Precondition failed: Only clusters of tier two are ready.\n\nThis is a precondition of application.web.
      error_message = "Only clusters of tier two are ready."
    }
  }
}

application "web" {
  profiles = [profile.careful]
  source {
    url = "./apps"
  }
  destination {
    cluster = cluster.eu
  }
}

application "api" {
  for_each = toset(["a", "b"])
  source {
    url = "./apps"
  }
  destination {
    cluster = cluster.eu
  }
  lifecycle {
    precondition {
      condition     = each.key == "a"
#                     ^^^^^^^^^^^^^^^ Precondition failed: The key is b.\n\nThis is a precondition of application.api["b"].
      error_message = "The key is ${each.key}."
    }
    precondition {
      condition     = each.ky
#                     ^^^^^^^ Invalid use of each: Of each there are each.key and each.value.
      error_message = "Never."
    }
  }
}

module "service" {
  source  = "./modules/service"
  name    = "web"
  cluster = cluster.eu
  lifecycle {
    precondition {
      condition     = "perhaps"
#                     ^^^^^^^^^ Invalid condition: A condition must be true or false.
      error_message = "Never."
    }
  }
}
