# Applications, but for their sources.
#: var secret=hunter2

variable "secret" {
  sensitive = true
}

cluster "prod" {
  context = "prod"
}

cluster "many" {
  for_each = toset(["eu", "us"])
  context  = each.key
}

project "p" {
}

application "empty" {
#^^^^^^^^^^^^^^^^^^ Missing block: The application block needs a source block: where objects come from; there may be several.
#^^^^^^^^^^^^^^^^^^ Missing block: The application block needs a destination block: where its objects go.
}

application "arguments" {
  name                   = "Not a label"
#                          ^^^^^^^^^^^^^ Unsuitable value: The argument "name" must consist of lower-case letters, digits and "-", with a letter or digit at both ends, but is "Not a label"; dns_label(...) makes it so.
  project                = "p"
#                          ^^^ Unsuitable value: The argument "project" must be a reference to a project, but is a string; write project.NAME without quotes.
  labels                 = { a = ["b"] }
#                          ^^^^^^^^^^^^^ Unsuitable value: The argument "labels" must be a map of strings, but is an object: element "a": string required, but have tuple.
  on_destroy             = "orphn"
#                          ^^^^^^^ Unsuitable value: The argument "on_destroy" must be "confirm", "delete" or "orphan", but is "orphn"; did you mean "orphan"?
  revision_history_limit = -1
#                          ^^ Unsuitable value: The argument "revision_history_limit" must be a whole number from 0 to 2147483647, but is -1.

  source {
    path = "x"
  }
  destination {
    cluster   = "prod"
#               ^^^^^^ Unsuitable value: The argument "cluster" must be a reference to a cluster, but is a string; write cluster.NAME without quotes.
    namespace = var.secret
#               ^^^^^^^^^^ Sensitive value not allowed here: The argument "namespace" would be shown in plans and kept in state, so that it cannot hold a sensitive value. Sensitive values may go into the auth block of a cluster or a repository, into Helm values and into the data of Secret objects; nonsensitive(...) says that a value is no secret.
  }
  destination {
# ^^^^^^^^^^^ Duplicate block: There may be one destination block in an application block; the first is at applications.gantry.hcl:40,3-14. Put the arguments of both into one.
    cluster = cluster.prod
  }
  lifecycle {
    enabled = "perhaps"
#             ^^^^^^^^^ Unsuitable value: The argument "enabled" must be a bool, but is a string.
  }
}

application "references" {
  project = cluster.prod
#           ^^^^^^^^^^^^ Unsuitable value: The argument "project" must be a reference to a project, but is cluster.prod.

  source {
    path = "x"
  }
  destination {
    cluster   = cluster.many
#               ^^^^^^^^^^^^ Unsuitable value: The argument "cluster" must be a reference to a cluster, but is an object; where cluster blocks have for_each, say which one with ["KEY"].
    namespace = "a-namespace-whose-name-is-far-too-long-for-kubernetes-to-ever-accept"
#               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unsuitable value: The argument "namespace" must have up to 63 characters, but "a-namespace-whose-name-is-far-too-long-for-kubernetes-to-ever-accept" has 68; dns_label(...) makes it fit.
  }
}

application "sync" {
  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
  sync {
    create_namespce          = true
#   ^^^^^^^^^^^^^^^ Unsupported argument: An argument named "create_namespce" is not expected here. Did you mean "create_namespace"?
    prune_propagation_policy = "forground"
#                              ^^^^^^^^^^^ Unsuitable value: The argument "prune_propagation_policy" must be "background", "foreground" or "orphan", but is "forground"; did you mean "foreground"?
    health_timeout           = "5 minutes"
#                              ^^^^^^^^^^^ Unsuitable value: The argument "health_timeout" must be a duration such as "30s", "5m" or "1h30m", but is "5 minutes".
    conflicts                = 1
#                              ^ Unsuitable value: The argument "conflicts" must be "fail", "leave" or "take_over", but is "1".

    automated {
      prune = null
    }
    retry {
      limit   = 1.5
#               ^^^ Unsuitable value: The argument "limit" must be a whole number from 0 to 2147483647, but is 1.5.
      backoff = "-5s"
#               ^^^^^ Unsuitable value: The argument "backoff" must be a duration such as "30s", "5m" or "1h30m", but is "-5s".
    }
    automated {
#   ^^^^^^^^^ Duplicate block: There may be one automated block in a sync block; the first is at applications.gantry.hcl:88,5-14. Put the arguments of both into one.
    }
  }
  sync = true
# ^^^^ Unsupported argument: An argument named "sync" is not expected here. Did you mean to define a block of type "sync"?
}

application "ignore" {
  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
  ignore_differences {
# ^^^^^^^^^^^^^^^^^^ Missing required argument: It is not said which fields to ignore. Set json_pointers, jq_path_expressions or field_managers.
    kind = "Deployment"
  }
  ignore_differences {
    kind                = "Deployment"
    json_pointers       = ["spec.replicas"]
#                         ^^^^^^^^^^^^^^^^^ Invalid JSON pointer: "spec.replicas" is no JSON pointer: it must begin with "/", as in "/spec/replicas".
    jq_path_expressions = [".spec.containers[", ".spec"]
#                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid jq expression: ".spec.containers[" cannot be read: unexpected EOF.
  }
}

application "same" {
  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
}

application "other" {
#^^^^^^^^^^^^^^^^^^ Duplicate application name: application.other and application.same (applications.gantry.hcl:125,1-19) are both called "same" outside any project. Set the argument "name" of one of them.
  name = "same"

  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
}

application "many" {
#^^^^^^^^^^^^^^^^^ Duplicate application name: application.many["a.b"] and application.many["a-b"] (applications.gantry.hcl:146,1-19) are both called "many-a-b" outside any project. Set the argument "name" of one of them.
  for_each = toset(["a.b", "a-b", "c"])

  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
}

application "depends" {
  depends_on = [application.same, application.many["d"], application.same["x"], application.same.name, "application.same", upper("x"), 1]
#                                                                                                      ^^^^^^^^^^^^^^^^^^ Invalid depends_on argument: A reference is written without quotes: application.same.
#                                                                                                                          ^^^^^^^^^^ Invalid depends_on argument: It must be a reference to a block or to one instance of it, such as application.database or application.database[each.key].
#                                                                                                                                      ^ Invalid depends_on argument: It must be a reference to a block or to one instance of it, such as application.database or application.database[each.key].
#                                 ^^^^^^^^^^^^^^^^^^^^^ Invalid depends_on argument: application.many has no instance with the key "d". Did you mean "c"?
#                                                        ^^^^^^^^^^^^^^^^^^^^^ Invalid depends_on argument: application.same has no for_each, so that it has no instances with keys.
#                                                                               ^^^^^^^^^^^^^^^^^^^^^ Invalid depends_on argument: It must be a reference to a block, and nothing may follow application.same.

  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
}

application "depends_more" {
  depends_on = [application.many["d"], application.same["x"], application.same.name]
#               ^^^^^^^^^^^^^^^^^^^^^ Invalid depends_on argument: application.many has no instance with the key "d". Did you mean "c"?
#                                      ^^^^^^^^^^^^^^^^^^^^^ Invalid depends_on argument: application.same has no for_each, so that it has no instances with keys.
#                                                             ^^^^^^^^^^^^^^^^^^^^^ Invalid depends_on argument: It must be a reference to a block, and nothing may follow application.same.

  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
}

application "depends_on_one" {
  depends_on = application.same
#              ^^^^^^^^^^^^^^^^ Invalid depends_on argument: It must be a list of references in brackets, such as [application.database].

  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
}

application "values" {
  name = upper("x")
#        ^^^^^^^^^^ Unsuitable value: The argument "name" must consist of lower-case letters, digits and "-", with a letter or digit at both ends, but is "X"; dns_label(...) makes it so.

  source {
    path = "x-${cluster.prod}"
#               ^^^^^^^^^^^^ Invalid template interpolation value: Cannot include the given value in a string template: string required, but have object.
  }
  destination {
    cluster = cluster["many"]["ue"]
#                            ^^^^^^ Invalid index: The given key does not identify an element in this collection value. Did you mean "eu"?
  }
}

application "_" {
#^^^^^^^^^^^^^^ Invalid name: No name can be made of "_-+", as it has neither a letter a to z nor a digit. Set the argument "name".\n\nThis is in application._["+"].
  for_each = toset(["+"])

  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
}

application "counted" {
  count = 2
# ^^^^^ Unsupported argument: There is no count: an instance that is known by its position changes its identity when one before it goes. Use for_each, which gives each a key of its own.
  source {
    objects = []
  }
  destination {
    cluster = cluster.eu
  }
}
