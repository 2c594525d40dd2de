# In which order many applications move.

cluster "prod" {
  context = "prod"
}

application "web" {
  for_each = toset(["a", "b"])
  source { path = "x" }
  destination { cluster = cluster.prod }
}

rollout "empty" {
#^^^^^^^^^^^^^^ Missing block: The rollout block needs a step block: applications that move together; the steps come in the order in which they are written.
  applications = application.web
}

rollout "wrong" {
  applications = cluster.prod
#                ^^^^^^^^^^^^ Unsuitable value: The argument "applications" must be a reference to an application, but is cluster.prod.

  step {
    match      = app.cluster.lables.tier == "canary"
#                           ^^^^^^^ Unsupported attribute: This object does not have an attribute named "lables". Did you mean "labels"?
    max_update = "0%"
#                ^^^^ Unsuitable value: The argument "max_update" must be a whole number from 1, or a part from "1%" to "100%", but is "0%".
  }
  step {
# ^^^^ Step without match: Without match a step takes all applications that are left, so that the steps after it would have none. Set match, or put the step last.
    max_update = "101%"
#                ^^^^^^ Unsuitable value: The argument "max_update" must be a whole number from 1, or a part from "1%" to "100%", but is "101%".
    bake       = "10 minutes"
#                ^^^^^^^^^^^^ Unsuitable value: The argument "bake" must be a duration such as "30s", "5m" or "1h30m", but is "10 minutes".
  }
  step {
    max_update = "some"
#                ^^^^^^ Unsuitable value: The argument "max_update" must be a whole number from 1, or a part from "1%" to "100%", but is "some".
  }
}

rollout "list" {
  applications = [application.web["a"], cluster.prod]
#                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unsuitable value: The argument "applications" must be applications: their blocks, instances, or a list of these, but there is cluster.prod in it.
  step {
    max_update = 2
    match      = app.health.status == "healthy"
#                   ^^^^^^^ Unsupported attribute: This object does not have an attribute named "health". It has address, cluster, info, labels, name, namespace and project.
  }
}

rollout "nothing" {
  applications = application.wbe
#                ^^^^^^^^^^^^^^^ Reference to undeclared block: No application "wbe" is declared in this configuration. Did you mean application.web?
  step {}
}

rollout "text" {
  applications = "application.web"
#                ^^^^^^^^^^^^^^^^^ Unsuitable value: The argument "applications" must be a reference to an application, but is a string; write application.NAME without quotes.
  step {
    max_update = -1
#                ^^ Unsuitable value: The argument "max_update" must be a whole number from 1, or a part from "1%" to "100%", but is "-1".
  }
}
