# Risks that are accepted.

cluster "prod" {
  context = "prod"
}

profile "shared" {
  accept_risk "source-unpinnd" {
# ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unknown risk: There is no risk with the code "source-unpinnd". Did you mean "source-unpinned"? The page "risks" of the documentation lists all codes.
    reason = "it follows the main branch"
  }
  accept_risk "pods-restart" {
# ^^^^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The accept_risk block needs the argument "reason", a string: why it is accepted, for whoever reads the plan.
  }
}

application "good" {
  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
  accept_risk "pods-restart" {
    reason = "the pods drain by themselves"
    kind   = "*Set"
    name   = "web-*"
  }
  accept_risk "source-unpinned" {
    reason = "it follows the main branch"
  }
}

application "bad" {
  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
  accept_risk "pod-restarts" {
# ^^^^^^^^^^^^^^^^^^^^^^^^^^ Unknown risk: There is no risk with the code "pod-restarts". Did you mean "pods-restart"? The page "risks" of the documentation lists all codes.
    reason = "the pods drain by themselves"
  }
  accept_risk "no such thing at all" {
# ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unknown risk: There is no risk with the code "no such thing at all". The page "risks" of the documentation lists all codes.
    reason = "whatever"
  }
  accept_risk "downtime" {
    reason    = "  "
#               ^^^^ Unsuitable value: The reason is empty. Say why the risk is accepted: whoever reads the plan sees it.
    kind      = "[a"
#               ^^^^ Invalid pattern: "[a" is no pattern. In a pattern * is any text, ? any character, [ab] one of several characters and {a,b} one of several texts.
    namespace = ""
#               ^^ Invalid pattern: "" is no pattern. In a pattern * is any text, ? any character, [ab] one of several characters and {a,b} one of several texts.
  }
  accept_risk "source-unpinned" {
    reason = "it follows the main branch"
    name   = "web"
#            ^^^^^ Unsuitable argument: The risk "source-unpinned" concerns an application as a whole, and no object of it. Leave the argument "name" out.
  }
  accept_risk "downtime" {
# ^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The accept_risk block needs the argument "reason", a string: why it is accepted, for whoever reads the plan.
    why = "someone said so"
#   ^^^ Unsupported argument: An argument named "why" is not expected here. In an accept_risk block there may be the arguments kind, name, namespace and reason.
  }
  accept_risk {
#             ^ Missing code for accept_risk: All accept_risk blocks must have 1 labels (code).
    reason = "everything is fine"
  }
}
