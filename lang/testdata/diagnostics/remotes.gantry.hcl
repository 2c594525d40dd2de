# What other configurations gave.

remote "network" {
  backend "local" {
    path = "../network/.gantry"
  }
}

remote "nothing" {}
#^^^^^^^^^^^^^^^ Missing block: The remote block needs a backend block: keeps state in a directory on this machine.

remote "own" {
  backend "local" {}
# ^^^^^^^^^^^^^^^ Missing required argument: It is not said which state is meant: set path to the directory of the other configuration's state, such as "../network/.gantry". Without it, the state would be this configuration's own.
}

remote "bucket" {
  backend "s3" {
# ^^^^^^^^^^^^ Cannot read state: What remote.bucket gives cannot be told: there is no state in .
    bucket = "state"
  }
}

remote "both" {
  backend "local" {
    path = "a"
  }
  backend "local" {
# ^^^^^^^^^^^^^^^ Duplicate block: There may be one backend block in a remote block; the first is at remotes.gantry.hcl:25,3-18. Put the arguments of both into one.
    path = "b"
  }
}

remote "absent" {
  backend "local" {
# ^^^^^^^^^^^^^^^ Cannot read state: What remote.absent gives cannot be told: there is no state in ../absent/.gantry.
    path = "../absent/.gantry"
  }
}

remote "early" {
  backend "local" {
# ^^^^^^^^^^^^^^^ Configuration not applied yet: The configuration that remote.early reads has given nothing to others: it was not applied yet, or has been destroyed since. Apply it first.
    path = "../early/.gantry"
  }
}

remote "secretive" {
  backend "local" {
    path = "../network/.gantry"
  }
}

cluster "eu" {
  context = "eu"
}

locals {
  zone     = remote.network.outputs.zoen
#                                  ^^^^^ Unsupported attribute: This object does not have an attribute named "zoen". Did you mean "zone"?
  password = remote.secretive.outputs.password
#            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Sensitive output: The output "password" of the configuration that remote.secretive reads is sensitive: it is in no state, so that it cannot be read from there. Read the secret from where it is kept, with a secret block.
  lenient  = try(remote.network.outputs.zone2, "none")
  unknown  = remote.netwrok.outputs.zone
#            ^^^^^^^^^^^^^^^^^^^^^^^^^^^ Reference to undeclared block: No remote "netwrok" is declared in this configuration. Did you mean remote.network?
  both     = [remote.both, remote.absent, remote.early, remote.own, remote.bucket, remote.nothing]
  all      = [local.zone, local.password, local.lenient, local.unknown, local.both]
}

output "all" {
  value = local.all
}

application "same" {
  source {
    objects = []
  }
  destination {
# ^^^^^^^^^^^ Duplicate cluster name: remote.network.clusters["eu"] and cluster.eu are both called "eu", and clusters are known by their names. Give one of them another name where it is declared.
    cluster = remote.network.clusters.eu
  }
}

application "guarded" {
  source {
    objects = []
  }
  destination {
# ^^^^^^^^^^^ Cluster without credentials: The configuration that declares remote.network.clusters["us/1"] logs in to it with credentials, which are given to nobody. Declare a cluster block here, with the server "https://us1.example.com" and an auth block, and use that.
    cluster = remote.network.clusters["us/1"]
  }
}

application "project" {
  project = remote.network.projects.web
#           ^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unsuitable value: The argument "project" must be a reference to a project, but is an object; where project blocks have for_each, say which one with ["KEY"].
  source {
    objects = []
  }
  destination {
    cluster = remote.network.clusters.us
  }
}

secret "kubernetes" "token" {
  cluster   = remote.network.clusters["us/1"]
#             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Cluster without credentials: The configuration that declares remote.network.clusters["us/1"] logs in to it with credentials, which are given to nobody. Declare a cluster block here, with the server "https://us1.example.com" and an auth block, and use that.
  namespace = "web"
  name      = "token"
  key       = "token"
}
