# Applications that cannot move in the order of their rollouts.

cluster "prod" {
  context = "prod"
}

application "web" {
  for_each = toset(["a", "b", "c"])
  labels   = { tier = each.key }
  source { path = "x" }
  destination { cluster = cluster.prod }
}

application "first" {
  depends_on = [application.second]
  source { path = "x" }
  destination { cluster = cluster.prod }
}

application "second" {
  source { path = "x" }
  destination { cluster = cluster.prod }
}

application "third" {
  depends_on = [application.fourth]
  source { path = "x" }
  destination { cluster = cluster.prod }
}

application "fourth" {
  source { path = "x" }
  destination { cluster = cluster.prod }
}

application "fifth" {
  depends_on = [application.third]
  source { path = "x" }
  destination { cluster = cluster.prod }
}

rollout "once" {
#^^^^^^^^^^^^^ Application in no step: application.web["c"] belongs to rollout.once, and no step of it matches. Add a step without match as the last one, for all that are left.
  applications = application.web
  step { match = app.labels.tier == "a" }
  step { match = app.labels.tier == "b" }
}

rollout "twice" {
#^^^^^^^^^^^^^^ Application in two rollouts: application.web["a"] belongs to rollout.once already, and can move in one rollout only. Take it out of one of them.
  applications = [application.web["a"], application.second]
  step {}
}

rollout "against" {
  applications = [application.first, application.fifth, application.fourth]
  step { match = app.name == "first" || app.name == "fifth" }
  step {}
# ^^^^ Dependency against the order of a rollout: These wait for each other: application.fifth depends on application.third; application.third depends on application.fourth; application.fourth, in step 2 of rollout.against, waits for application.fifth, in a step before it. Put an application into the same step as what depends on it, or into an earlier one.
}

rollout "unsuitable" {
  applications = application.third
  step { match = app.labels.tier > 5 }
#                ^^^^^^^^^^^^^^^^^^^ Operation failed: For application.third: Error during operation: argument must not be null.
}
