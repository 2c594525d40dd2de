# What projects say beyond where their applications come from and go.

cluster "prod" {
  context = "prod"
}

project "sources" {
  source {
    repositories = []
#                  ^^ Unsuitable value: The argument "repositories" is an empty list. For all leave the argument out.
    paths        = ["/apps", "../up", "apps/**", "a/../b", "!x"]
#                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid pattern: "!x" begins with "!", but this list names what is meant, and nothing can be taken out of it.
#                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid pattern: "/apps" leads out of the repository: paths are relative to its top, such as "apps/**".
#                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid pattern: "../up" leads out of the repository: paths are relative to its top, such as "apps/**".
#                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid pattern: "a/../b" leads out of the repository: paths are relative to its top, such as "apps/**".
  }
  source {
# ^^^^^^ Missing required argument: The source block needs the argument "paths", a list of strings: patterns of paths: `apps/payments/**`.
    deny = "maybe"
#          ^^^^^^^ Unsuitable value: The argument "deny" must be a bool, but is a string.
  }
}

project "signatures" {
  signature {
# ^^^^^^^^^ Missing required argument: It is not said whose signatures are good. Set ssh_keys or gpg_keys.
    mode = "lax"
#          ^^^^^ Unsuitable value: The argument "mode" must be "head" or "strict", but is "lax".
  }
  signature {
    repositories = ["[a"]
#                  ^^^^^^ Invalid pattern: "[a" is no pattern: unexpected end of input. In a pattern * is any text, ? any character, [ab] one of several characters and {a,b} one of several texts.
    ssh_keys     = []
#                  ^^ Unsuitable value: The argument "ssh_keys" is empty, so that no signature would be good. Name a key, or remove the signature block.
  }
  signature {
    since    = ["main"]
#              ^^^^^^^^ Invalid commit: "main" is no full id of a commit, which has 40 digits: "git rev-parse REVISION" prints it. Names move, and would let in what they lead to.
    ssh_keys = ["alice@example.com namespaces=\"file\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid public key: Element 0: it holds no key that is for the namespace "git".
    gpg_keys = ["4AEE18F83AFDEB23"]
#              ^^^^^^^^^^^^^^^^^^^^ Invalid public key: Element 0: it is the fingerprint or id of a key, and no keyring is read that would have the key: write what "gpg --export --armor" prints for it.
  }
}

project "frozen" {
  frozen = " "
#          ^^^ Unsuitable value: The argument "frozen" says why nothing may be applied, and is empty. Write the reason, or null where applications may be applied.
}

project "identities" {
  identity {
# ^^^^^^^^ Missing required argument: It is not said as whom. Set service_account or user.
    clusters   = [cluster.prod, cluster.nowhere]
#                               ^^^^^^^^^^^^^^^ Reference to undeclared block: No cluster "nowhere" is declared in this configuration.
    namespaces = ["*"]
  }
  identity {
    service_account = "gantry:deployer"
    user            = "deployer"
#                     ^^^^^^^^^^ Conflicting arguments: Requests are made as one identity, but both service_account and user are set. Remove one of them.
    groups          = ["a"]
  }
  identity {
    service_account = "Not A Name"
#                     ^^^^^^^^^^^^ Invalid service account: "Not A Name" must be a name, or a namespace and a name, such as "gantry:deployer".
    groups          = ["a"]
#                     ^^^^^ Conflicting arguments: The groups of a service account are given; groups go with user.
  }
  identity {
    user = ""
#          ^^ Unsuitable value: The argument "user" must not be empty.
  }
}

project "orphans" {
  orphaned_resources {
    ignore {
#   ^^^^^^ Missing required argument: It is not said what to ignore. Set group, kind or name.
    }
    ignore {
      group = ""
      kind  = "[a"
#             ^^^^ Invalid pattern: "[a" is no pattern: unexpected end of input. In a pattern * is any text, ? any character, [ab] one of several characters and {a,b} one of several texts.
    }
    warn = true
#   ^^^^ Unsupported argument: An argument named "warn" is not expected here. In an orphaned_resources block there may be the block ignore.
  }
  orphaned_resources {
# ^^^^^^^^^^^^^^^^^^ Duplicate block: There may be one orphaned_resources block in a project block; the first is at projects.gantry.hcl:77,3-21. Put the arguments of both into one.
  }
}

project "patterns" {
  repositories = ["https://github.com/[a", "!"]
#                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid pattern: "https://github.com/[a" is no pattern: unexpected end of input. In a pattern * is any text, ? any character, [ab] one of several characters and {a,b} one of several texts.
#                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid pattern: A pattern is empty. For everything write "*".
  destination {
    clusters   = ["[a"]
#                ^^^^^^ Invalid pattern: "[a" is no pattern: unexpected end of input. In a pattern * is any text, ? any character, [ab] one of several characters and {a,b} one of several texts.
    namespaces = ["!kube-*", ""]
#                ^^^^^^^^^^^^^^^ Invalid pattern: A pattern is empty. For everything write "*".
  }
  cluster_resources {
    allow = ["!Namespace"]
#           ^^^^^^^^^^^^^^ Invalid pattern: "!Namespace" begins with "!", but this list names what is meant, and nothing can be taken out of it.
  }
}
