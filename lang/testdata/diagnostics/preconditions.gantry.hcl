# What must be true before anything is planned.

cluster "eu" {
  server = "https://eu.example.com"
  labels = { tier = "one" }
}

profile "careful" {
  lifecycle {
    precondition {
      condition     = cluster.eu.labels.tier == "two"
      error_message = "Only clusters of tier two are ready."
    }
  }
}

application "web" {
#^^^^^^^^^^^^^^^^ Precondition failed: Only clusters of tier two are ready.\n\nThis is checked by the precondition at preconditions.gantry.hcl:10,5-17.
  profiles = [profile.careful]
  source {
    url = "./apps"
  }
  destination {
    cluster = cluster.eu
  }
}

application "api" {
#^^^^^^^^^^^^^^^^ Precondition failed: The key is b.\n\nThis is checked by the precondition at preconditions.gantry.hcl:38,5-17.
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
