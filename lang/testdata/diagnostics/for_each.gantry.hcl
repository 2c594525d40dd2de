# What for_each does not take.
#: var secrets={ a = 1 }

variable "secrets" {
  type      = map(number)
  sensitive = true
}

cluster "list" {
  for_each = ["a", "b"]
#            ^^^^^^^^^^ Invalid for_each argument: for_each takes a map, an object, a set of strings or a generator, but this is a list, whose elements would have no names of their own. For strings use toset(...); for objects a for expression that gives each a key, such as { for x in LIST : x.name => x }, or a generator "list".
  context  = each.value
}

cluster "string" {
  for_each = "a"
#            ^^^ Invalid for_each argument: for_each takes a map, an object, a set of strings or a generator, but this is a string.
  context  = each.value
}

cluster "null" {
  for_each = null
#            ^^^^ Invalid for_each argument: for_each takes a map, an object, a set of strings or a generator, but this is null. Where there should be no instance, give {}.
  context  = each.value
}

cluster "numbers" {
  for_each = toset([1, 2])
#            ^^^^^^^^^^^^^ Invalid for_each argument: for_each takes a map, an object, a set of strings or a generator, but this is a set of another type. Use a map: its keys name the instances.
  context  = each.value
}

cluster "secret" {
  for_each = var.secrets
#            ^^^^^^^^^^^ Invalid for_each argument: The keys of for_each are part of addresses, which are shown everywhere, so that it cannot be a sensitive value.
  context  = each.key
}

cluster "block" {
  for_each = cluster.prod
#            ^^^^^^^^^^^^ Invalid for_each argument: for_each takes a map, an object, a set of strings or a generator, but this is cluster.prod, a single block.
  context  = each.key
}

cluster "itself" {
  for_each = toset([each.key])
#                   ^^^^^^^^ Invalid use of each: The for_each argument itself cannot use each.key and each.value, which come from it.
#            ^^^^^^^^^^^^^^^^^ Invalid for_each argument: for_each takes a map, an object, a set of strings or a generator, but this is a set of another type. Use a map: its keys name the instances.
  context  = each.key
}

cluster "wrong" {
  for_each = {}
  context  = each.name
#            ^^^^^^^^^ Invalid use of each: Of each there are each.key and each.value.
}

cluster "broken" {
  for_each = { a = parseint("x", 10) }
#                            ^ Invalid function argument: Invalid value for "number" parameter: cannot parse "x" as a base 10 integer.
  context  = each.key
}

cluster "prod" {
  context = "prod"
}
