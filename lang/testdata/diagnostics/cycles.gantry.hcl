# Blocks that need each other.

locals {
  a    = local.b
#        ^^^^^^^ Cycle of references: These blocks refer to each other, so that none can come first:\n  local.a refers to local.b (cycles.gantry.hcl:4,10-17)\n  local.b refers to local.c (cycles.gantry.hcl:6,13-20)\n  local.c refers to local.a (cycles.gantry.hcl:7,11-18)\nRemove one of these references.
  b    = "${local.c}"
  c    = [local.a]
  self = { inner = local.self }
#                  ^^^^^^^^^^ Reference to itself: local.self refers to itself, so that it cannot be evaluated. Move what both parts need into a local value.
  fine = local.a
}

cluster "needs_all" {
  context = length(cluster)
#                  ^^^^^^^ Cycle of references: These blocks refer to each other, so that none can come first:\n  cluster.needs_all refers to cluster (cycles.gantry.hcl:14,20-27)\n  cluster is every cluster, so also cluster.needs_all\nRemove one of these references.
}

application "first" {
  depends_on = [application.second]
#               ^^^^^^^^^^^^^^^^^^ Cycle of references: These blocks refer to each other, so that none can come first:\n  application.first refers to application.second (cycles.gantry.hcl:19,17-35)\n  application.second refers to application.first (cycles.gantry.hcl:31,22-44)\nRemove one of these references.

  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
}

application "second" {
  labels = { after = application.first.name }

  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
}

application "own" {
  for_each   = toset(["a", "b"])
  depends_on = [application.own["a"]]
#               ^^^^^^^^^^^^^^^^^^^^ Reference to itself: application.own refers to itself, so that it cannot be evaluated. Move what both parts need into a local value.

  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
}

cluster "prod" {
  context = "prod"
}
