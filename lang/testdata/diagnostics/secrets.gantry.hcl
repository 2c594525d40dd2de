# Secrets are read when they are used, and only where credentials go.

secret "environment" "token" {
  variable = "TOKEN"
}

secret "file" "empty" {
  path = ""
#        ^^ Unsuitable value: The argument "path" must not be empty.
}

secret "command" "slow" {
  command = "vault"
  timeout = "1h"
#           ^^^^ Unsuitable value: The timeout must be more than 0 and up to 10m0s, but is 1h0m0s.
}

secret "command" "nothing" {
#^^^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The secret block needs the argument "command", a string: the program; one beside the configuration is `./name`.
  args = ["x"]
}

secret "kubernetes" "part" {
#^^^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The secret block needs the argument "key", a string: the key in its data.
  cluster   = "prod"
#             ^^^^^^ Unsuitable value: The argument "cluster" must be a reference to a cluster, but is a string; write cluster.NAME without quotes.
  namespace = "gantry"
  name      = "git"
}

secret "vault" "token" {
#      ^^^^^^^ Unknown type label: There is no secret of type "vault"; the types are command, environment, file and kubernetes.
}

secret "environment" "each" {
  for_each = toset(["a", "b"])
  variable = each.key
}

cluster "good" {
  server = "https://good.example.com"
  auth {
    token = secret.environment.token
  }
}

cluster "chosen" {
  server = "https://good.example.com"
  auth {
    token = local.chosen
  }
}

cluster "one_of_many" {
  server = "https://good.example.com"
  auth {
    token = secret.environment.each
#           ^^^^^^^^^^^^^^^^^^^^^^^ Unsuitable value: The argument "token" must be a string or a secret, but is an object; where secret blocks have for_each, say which one with ["KEY"].
  }
}

cluster "not_a_secret" {
  server = "https://good.example.com"
  auth {
    token = cluster.good
#           ^^^^^^^^^^^^ Unsuitable value: The argument "token" must be a string or a secret, but is cluster.good.
  }
}

cluster "in_text" {
  server = "https://good.example.com"
  auth {
    token = "Bearer ${secret.environment.token}"
#                     ^^^^^^^^^^^^^^^^^^^^^^^^ Secret not allowed here: secret.environment.token is read when it is used, and is no value for expressions: it can be written only where credentials go, as in token = secret.environment.token in an auth block. What expressions need is passed in as a variable with sensitive = true.
  }
}

cluster "in_a_function" {
  server = "https://good.example.com"
  auth {
    token = trimspace(local.chosen)
#                     ^^^^^^^^^^^^ Secret not allowed here: secret.environment.token is read when it is used, and is no value for expressions: it can be written only where credentials go, as in token = secret.environment.token in an auth block. What expressions need is passed in as a variable with sensitive = true.
  }
}

cluster "elsewhere" {
  server = secret.environment.token
#          ^^^^^^^^^^^^^^^^^^^^^^^^ Secret not allowed here: secret.environment.token is read when it is used, and is no value for expressions: it can be written only where credentials go, as in token = secret.environment.token in an auth block. What expressions need is passed in as a variable with sensitive = true.
  labels = { token = secret.environment.token }
#                    ^^^^^^^^^^^^^^^^^^^^^^^^ Secret not allowed here: secret.environment.token is read when it is used, and is no value for expressions: it can be written only where credentials go, as in token = secret.environment.token in an auth block. What expressions need is passed in as a variable with sensitive = true.
}

cluster "attribute" {
  server = "https://${secret.environment.token.value}"
#                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Secret not allowed here: secret.environment.token is read when it is used, and is no value for expressions: it can be written only where credentials go, as in token = secret.environment.token in an auth block. What expressions need is passed in as a variable with sensitive = true.
}

locals {
  chosen   = true ? secret.environment.token : secret.environment.token
  inverted = !secret.environment.token
#             ^^^^^^^^^^^^^^^^^^^^^^^^ Secret not allowed here: secret.environment.token is read when it is used, and is no value for expressions: it can be written only where credentials go, as in token = secret.environment.token in an auth block. What expressions need is passed in as a variable with sensitive = true.
  encoded  = jsonencode({ a = secret.environment.token })
#                             ^^^^^^^^^^^^^^^^^^^^^^^^ Secret not allowed here: secret.environment.token is read when it is used, and is no value for expressions: it can be written only where credentials go, as in token = secret.environment.token in an auth block. What expressions need is passed in as a variable with sensitive = true.
  missing  = secret.environment.tokn
#            ^^^^^^^^^^^^^^^^^^^^^^^ Reference to undeclared block: No secret of type environment is called "tokn" in this configuration. Did you mean secret.environment.token?
  no_type  = secret.env.token
#            ^^^^^^^^^^^^^^^^ Reference to undeclared block: There is no type of secret called "env".
  partly   = secret.environment
#            ^^^^^^^^^^^^^^^^^^ Incomplete reference: The word "secret.environment" must be followed by a name: secret.environment.NAME.
}

generator "list" "values" {
  elements = [{ key = "a", token = secret.environment.token }]
#                                  ^^^^^^^^^^^^^^^^^^^^^^^^ Secret not allowed here: secret.environment.token is read when it is used, and is no value for expressions: it can be written only where credentials go, as in token = secret.environment.token in an auth block. What expressions need is passed in as a variable with sensitive = true.
}

application "objects" {
  source {
    objects = [{
      apiVersion = "v1"
      kind       = "Secret"
      metadata   = { name = "x" }
      stringData = { token = secret.environment.token }
#                            ^^^^^^^^^^^^^^^^^^^^^^^^ Secret not allowed here: secret.environment.token is read when it is used, and is no value for expressions: it can be written only where credentials go, as in token = secret.environment.token in an auth block. What expressions need is passed in as a variable with sensitive = true.
    }]
  }
  source {
    path = "x"
    helm {
      values = { a = [{ token = local.chosen }] }
#                               ^^^^^^^^^^^^ Secret not allowed here: secret.environment.token is read when it is used, and is no value for expressions: it can be written only where credentials go, as in token = secret.environment.token in an auth block. What expressions need is passed in as a variable with sensitive = true.
    }
  }
  destination {
    cluster   = cluster.good
    namespace = secret.environment.token
#               ^^^^^^^^^^^^^^^^^^^^^^^^ Secret not allowed here: secret.environment.token is read when it is used, and is no value for expressions: it can be written only where credentials go, as in token = secret.environment.token in an auth block. What expressions need is passed in as a variable with sensitive = true.
  }
}

secret "kubernetes" "of_itself" {
  cluster   = cluster.of_itself
  namespace = "gantry"
  name      = "token"
  key       = "token"
}

cluster "of_itself" {
  server = "https://good.example.com"
  auth {
    token = secret.kubernetes.of_itself
#           ^^^^^^^^^^^^^^^^^^^^^^^^^^^ Cycle of references: These blocks refer to each other, so that none can come first:\n  cluster.of_itself refers to secret.kubernetes.of_itself (secrets.gantry.hcl:151,13-40)\n  secret.kubernetes.of_itself refers to cluster.of_itself (secrets.gantry.hcl:142,15-32)\nRemove one of these references.
  }
}

cluster "needs_user" {
  server = "https://good.example.com"
  auth {
    password = secret.environment.token
#              ^^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The argument "password" needs "username" beside it.
  }
}

repository "two" {
  url = "https://git.example.com/config"
  auth {
    username = "x"
    password = secret.environment.token
    token    = secret.environment.token
#              ^^^^^^^^^^^^^^^^^^^^^^^^ Conflicting arguments: There is one way to log in, but both password and token are set. Remove one of them.
  }
}

repository "known_hosts" {
  url = "ssh://git@git.example.com/config"
  auth {
    ssh_key     = secret.environment.token
    known_hosts = secret.environment.token
#                 ^^^^^^^^^^^^^^^^^^^^^^^^ Secret not allowed here: secret.environment.token is read when it is used, and is no value for expressions: it can be written only where credentials go, as in token = secret.environment.token in an auth block. What expressions need is passed in as a variable with sensitive = true.
  }
}

repository "no_keys" {
  url = "https://git.example.com/config"
  verify {
# ^^^^^^ Missing required argument: It is not said whose signatures are good. Set ssh_keys or gpg_keys.
  }
}

repository "bad_keys" {
  url = "https://git.example.com/config"
  verify {
    ssh_keys = ["ssh-ed25519 AAAA", "# nothing\n"]
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid public key: Element 0: line 1: it is no SSH public key that can be read.
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid public key: Element 1: it holds no key that is for the namespace "git".
    gpg_keys = []
#              ^^ Unsuitable value: The argument "gpg_keys" is empty, so that no signature would be good. Name a key, or remove the verify block.
  }
}

repository "bad_gpg" {
  url = "https://git.example.com/config"
  verify {
    gpg_keys = ["mQENBF"]
#              ^^^^^^^^^^ Invalid public key: Element 0: it is no OpenPGP public key in its text form, which begins with -----BEGIN PGP PUBLIC KEY BLOCK-----.
  }
}
