# State in a cluster.

gantry {
  backend "kubernetes" {
    in_cluster = true
#                ^^^^ Conflicting arguments: A cluster is reached in one way, but in_cluster is set beside context or kubeconfig. Remove one of them.
    context    = "management"
    namespace  = "Gantry"
#                ^^^^^^^^ Unsuitable value: The argument "namespace" must consist of lower-case letters, digits and "-", with a letter or digit at both ends, but is "Gantry"; dns_label(...) makes it so.
  }

  encryption {
    recipients = ["age1nothing", "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQ"]
#                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid recipient: "age1nothing" is no public key of age, which is like "age1ql3z…".
#                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid recipient: "AGE-SECRET-KEY-1QQQQ…" is no public key of age, which is like "age1ql3z…".
    key        = "x"
#                ^^^ Conflicting arguments: State is encrypted in one way, but both recipients and key are set. Remove one of them.
    previous {
#   ^^^^^^^^ Missing required argument: A previous key is either a key or an identity. Set one of them.
    }
  }

  protection {
    branches      = []
#                   ^^ Unsuitable value: The argument "branches" is an empty list. Nothing could be applied.
    planners      = []
#                   ^^ Unsuitable value: The argument "planners" is an empty list. No plan would count.
    max_destroyed = -1
#                   ^^ Unsuitable value: The argument "max_destroyed" must be a whole number from 0 to 2147483647, but is -1.

    approvals {
      count  = 0
#              ^ Unsuitable value: No approvals are needed, so that the block has no effect. Set how many are, or remove it.
      groups = []
#              ^^ Unsuitable value: The argument "groups" is an empty list. Nobody could approve.
    }
  }
  protection {
# ^^^^^^^^^^ Duplicate block: There may be one protection block in a gantry block; the first is at backends.gantry.hcl:23,3-13. Put the arguments of both into one.
  }
}
