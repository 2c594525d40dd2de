# Blocks that are made of the elements of a value.

variable "secrets" {
  type      = list(string)
  sensitive = true
  default   = ["hunter2"]
}

application "types" {
  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
  dynamic "sorce" {
#         ^^^^^^^ Unsupported block type: Blocks of type "sorce" are not expected here. Did you mean "source"?
    for_each = ["a"]
    content {
      path = "x"
    }
  }
  dynamic "ignore_differences" {
    for_each = ["a"]
    content {
      kind          = "Deployment"
      json_pointers = [ignore_differences.valu]
#                                        ^^^^^ Unsupported attribute: This object does not have an attribute named "valu". Did you mean "value"?
    }
  }
  dynamic "ignore_differences" {
    for_each = "a"
#              ^^^ Invalid for_each argument: In a dynamic block for_each takes a list, set, map, object or generator, but this is a string.
    content {
      kind          = "Deployment"
      json_pointers = ["/spec"]
    }
  }
  dynamic "ignore_differences" {
    for_each = var.secrets
#              ^^^^^^^^^^^ Invalid for_each argument: How many blocks there are would show in plans, so that for_each cannot be a sensitive value.
    content {
      kind          = "Deployment"
      json_pointers = ["/spec"]
    }
  }
  dynamic "ignore_differences" {
    for_each = null
#              ^^^^ Invalid for_each argument: In a dynamic block for_each takes a list, set, map, object or generator, but this is null. Where there should be no block, give [].
    iterator = it
    content {
      kind          = it.valu
#                       ^^^^^ Unsupported attribute: This object does not have an attribute named "valu". Did you mean "value"?
      json_pointers = [ignore_differences.value]
#                      ^^^^^^^^^^^^^^^^^^^^^^^^ Unknown reference: There is nothing called "ignore_differences" to refer to; references begin with application, cluster, credentials, each, generator, local, module, notifier, path, profile, project, remote, repository, role, secret, trigger or var.
    }
  }
  dynamic "ignore_differences" {
    for_each = cluster.prod
#              ^^^^^^^^^^^^ Invalid for_each argument: In a dynamic block for_each takes a list, set, map, object or generator, but this is cluster.prod, a single block.
    content {
      kind          = "Deployment"
      json_pointers = ["/spec"]
    }
  }
}

application "parts" {
  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
  dynamic "ignore_differences" {
# ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: A dynamic block needs the argument "for_each": a list, set, map or object that gives a block for every element.
    content {
#   ^^^^^^^ Missing required argument: The ignore_differences block needs the argument "kind", a string: a pattern of the objects' kind: `Deployment`, `*`.
#   ^^^^^^^ Missing required argument: It is not said which fields to ignore. Set json_pointers, jq_path_expressions or field_managers.
    }
  }
  dynamic "ignore_differences" {
# ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Missing block: A dynamic block needs a content block, which holds what is in every ignore_differences block.
    for_each = []
    each     = []
#   ^^^^ Unsupported argument: An argument named "each" is not expected here. In a dynamic block there may be the arguments for_each, iterator and labels, and the block content.
  }
  dynamic "ignore_differences" {
    for_each = []
    labels   = ["a"]
#   ^^^^^^ Unsupported argument: Blocks of type ignore_differences have no labels. Remove the argument "labels".
    iterator = "a b"
#              ^^^^^ Invalid iterator: The iterator must be a name, without quotes, such as item: in the content there are then item.key and item.value.
    content {
      kind = "A"
    }
    content {
#   ^^^^^^^ Duplicate block: A dynamic block has one content block; the first is at dynamic.gantry.hcl:94,5-12. Put the arguments of both into one.
      kind = "B"
    }
  }
}

application "counts" {
  dynamic "source" {
# ^^^^^^^^^^^^^^^^ Missing block: The application block needs a source block, but the for_each gives none: where objects come from; there may be several.
    for_each = []
    content {
      path = source.value
    }
  }
  destination {
    cluster = cluster.prod
  }
  dynamic "destination" {
# ^^^^^^^^^^^^^^^^^^^^^ Duplicate block: There may be one destination block in an application block, but with this one there are 2. Let its for_each give less.
    for_each = [1]
    content {
      cluster = cluster.prod
    }
  }
}

application "outside" {
  dynamic "source" {
    for_each = [each.key, source.value]
#               ^^^^^^^^ Invalid use of each: application.outside has no for_each argument, so that there is no each.key and each.value in it.
#                         ^^^^^^^^^^^^ Unknown reference: There is nothing called "source" to refer to; references begin with application, cluster, credentials, each, generator, local, module, notifier, path, profile, project, remote, repository, role, secret, trigger or var.
    content {
      path = local.nothing
#            ^^^^^^^^^^^^^ Reference to undeclared block: No local value "nothing" is declared in this configuration.
    }
  }
  destination {
    cluster = cluster.prod
  }
}

application "in_content" {
  dynamic "source" {
    for_each = { a = "../x" }
    content {
      path = source.value
#            ^^^^^^^^^^^^ Invalid path: The path "../x" leads out of what it is in. For a directory that is not below the configuration's, say url = ".." and the path in it.
    }
  }
  destination {
    cluster = cluster.prod
  }
}

cluster "prod" {
  context = "prod"
}

variable "limited" {
#^^^^^^^^^^^^^^^^^ Invalid value for variable: It must be above the high limit, 10.\n\nThis is checked by the validation at dynamic.gantry.hcl:163,5-12.
  default = 5

  dynamic "validation" {
    for_each = { low = 1, high = 10 }
    iterator = limit
    content {
      condition     = var.limited > limit.value
      error_message = "It must be above the ${limit.key} limit, ${limit.value}."
    }
  }
}
