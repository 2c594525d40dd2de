# Profiles, and what applications take of them.

profile "ignores" {
  ignore_differences {
    kind          = "Deployment"
    json_pointers = ["spec/replicas"]
#                   ^^^^^^^^^^^^^^^^^ Invalid JSON pointer: "spec/replicas" is no JSON pointer: it must begin with "/", as in "/spec/replicas".
  }
}

profile "source" {
  source {
    path = "../up"
#          ^^^^^^^ Invalid path: The path "../up" leads out of what it is in. For a directory that is not below the configuration's, say url = ".." and the path in it.
  }
}

profile "name" {
  name = "same"
# ^^^^ Unsupported argument: An argument named "name" is not expected here. In a profile block there may be the arguments annotations, depends_on, for_each, info, labels, on_destroy, project and revision_history_limit, and the blocks accept_risk, decryption, destination, ignore_differences, lifecycle, notify, redact, source and sync.
}

profile "part" {
  source {
    repository = cluster.prod
#                ^^^^^^^^^^^^ Unsuitable value: The argument "repository" must be a reference to a repository, but is cluster.prod.
  }
}

profile "namespace" {
  destination {
    namespace = "web"
  }
  sync {
    prune_propagation_policy = "gently"
#                              ^^^^^^^^ Unsuitable value: The argument "prune_propagation_policy" must be "background", "foreground" or "orphan", but is "gently".
  }
}

profile "place" {
  destination {
    namespace = "web"
  }
}

profile "empty" {
}

application "nothing" {
#^^^^^^^^^^^^^^^^^^^^ Missing block: The application block needs a source block: where objects come from; there may be several. It may also be in one of the profiles.
#^^^^^^^^^^^^^^^^^^^^ Missing block: The application block needs a destination block: where its objects go. It may also be in one of the profiles.
  profiles = [profile.empty]
}

application "no_cluster" {
#^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The destination block needs the argument "cluster", a cluster: the cluster. It may also be in one of the profiles.
  profiles = [profile.place]

  source {
    path = "x"
  }
}

application "no_cluster_either" {
  profiles = [profile.place]

  source {
    path = "x"
  }
  destination {
# ^^^^^^^^^^^ Missing required argument: The destination block needs the argument "cluster", a cluster: the cluster. It may also be in one of the profiles.
    namespace = "web"
  }
}

application "one" {
  profiles = profile.place
#            ^^^^^^^^^^^^^ Unsuitable value: The argument "profiles" must be a list of profiles, but is profile.place; put it in brackets.

  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
}

application "another" {
  profiles = [cluster.prod]
#            ^^^^^^^^^^^^^^ Unsuitable value: The argument "profiles" is not as expected: element 0 must be a reference to a profile, but is cluster.prod.

  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
}

application "unknown" {
  profiles = [profile.plase]
#             ^^^^^^^^^^^^^ Reference to undeclared block: No profile "plase" is declared in this configuration. Did you mean profile.place?

  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
}

application "of_a_broken_one" {
  profiles = [profile.ignores]
}

application "whole_blocks" {
  profiles = [profile.place]

  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
  ignore_differences {
# ^^^^^^^^^^^^^^^^^^ Missing required argument: The ignore_differences block needs the argument "kind", a string: a pattern of the objects' kind: `Deployment`, `*`.
    json_pointers = ["/spec"]
  }
}

application "null" {
#^^^^^^^^^^^^^^^^^ Missing block: The application block needs a destination block: where its objects go. It may also be in one of the profiles.
  profiles = null

  source {
    path = "x"
  }
}

cluster "prod" {
  context = "prod"
}
