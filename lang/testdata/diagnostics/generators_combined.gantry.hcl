# What generators that combine others, and limits, complain about.

generator "merge" "one" {
  generators = [generator.list.fine]
#              ^^^^^^^^^^^^^^^^^^^^^ Too few generators: Merging takes two generators or more, but there are 1.
  keys       = ["key"]
}

generator "merge" "no_keys" {
  generators = [generator.list.fine, generator.list.other]
  keys       = []
#              ^^ Missing merge keys: Merging needs at least one attribute to tell which items belong together.
}

generator "merge" "missing_key" {
  generators = [generator.list.fine, generator.list.nameless]
  keys       = ["name"]
#              ^^^^^^^^ Missing merge key: The item "c" of element 1 has no "name", or it is null, so that it cannot be told what belongs to it.
#              ^^^^^^^^ Missing merge key: The item "d" of element 1 has no "name", or it is null, so that it cannot be told what belongs to it.
}

generator "merge" "duplicate" {
  generators = [generator.list.same, generator.list.fine]
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Duplicate merge key: The items "x" and "y" of element 0 have the same n, "5", so that it cannot be told which of them is meant. Add to keys what tells them apart.
  keys       = ["n"]
}

generator "merge" "no_text" {
  generators = [generator.list.deep, generator.list.fine]
  keys       = ["labels"]
#              ^^^^^^^^^^ Invalid merge key: In the item "x" of element 0, "labels" must be a string, a number or a bool, but is an object.
#              ^^^^^^^^^^ Missing merge key: The item "a" of element 1 has no "labels", or it is null, so that it cannot be told what belongs to it.
#              ^^^^^^^^^^ Missing merge key: The item "b" of element 1 has no "labels", or it is null, so that it cannot be told what belongs to it.
}

generator "merge" "joined_keys" {
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Duplicate generator key: Two items have the key "1/2/3": "x" and "y". Applications made of them could not be told apart.
  generators = [generator.list.slashes, generator.list.slashes]
  keys       = ["a", "b"]
}

generator "merge" "needs_keys" {
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The generator block needs the argument "keys", a list of strings: the attributes that tell which items belong together; `labels.region` is one within another.
  generators = [generator.list.fine, generator.list.other]
}

generator "matrix" "several" {
  generators = [generator.list.fine, generator.list.each]
#                                    ^^^^^^^^^^^^^^^^^^^ Unsuitable value: generator.list.each has for_each, so that it is several generators: one for each key. Say which one in brackets; or, where its for_each is another generator, write flatmap(GENERATOR, generator.list.each), which combines each item of that one with those made for it.
}

generator "matrix" "strings" {
  generators = [generator.list.fine, ["a"]]
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unsuitable value: The argument "generators" is not as expected: element 1 must be an object, but is a list.
}

generator "list" "flat" {
  elements = flatmap(generator.list.fine, generator.list.each)
#            ^^^^^^^^ Error in function call: Call to function "flatmap" failed: The item "b" has nothing under its key: the second generator must have the first one as its for_each.
}

generator "list" "not_nested" {
  elements = flatmap(generator.list.fine)
#            ^^^^^^^^ Error in function call: Call to function "flatmap" failed: Only objects can be combined, but the item "key" of element 0 is a string. Give it a name: { name = ... }.
}

generator "list" "product" {
  elements = product(generator.list.fine, generator.list.same)
#            ^^^^^^^^ Error in function call: Call to function "product" failed: The items "a" and "x" both have the attribute "n", with different values. Leave one of them out, with a generator "list" over what is needed of it.
}

generator "list" "product_of_block" {
  elements = product(cluster.prod)
#            ^^^^^^^^ Error in function call: Call to function "product" failed: Element 0 must be a generator, but is cluster.prod.
}

generator "list" "too_many" {
  elements  = [for i in range(7) : "e${i}"]
  max_items = 6
#             ^ Too many items: generator.list.too_many has 7 items, and may have 6: "e0", "e1", "e2", "e3", "e4" and 2 more. Raise max_items if that is meant.
}

generator "list" "two_too_many" {
  elements  = ["x", "y"]
  max_items = 1
#             ^ Too many items: generator.list.two_too_many has 2 items, and may have 1: "x", "y". Raise max_items if that is meant.
}

generator "list" "enough" {
  elements  = ["x", "y"]
  max_items = 2
}

generator "list" "part" {
  elements    = ["x"]
  max_removed = "half"
#               ^^^^^^ Unsuitable value: The argument "max_removed" must be a number of items, such as 3, or a part of them, such as "50%", but is "half".
}

generator "list" "too_much" {
  elements    = ["x"]
  max_removed = "101%"
#               ^^^^^^ Unsuitable value: The argument "max_removed" must be a number of items, such as 3, or a part of them, such as "50%", but is "101%".
}

generator "list" "negative" {
  elements    = ["x"]
  max_removed = -1
#               ^^ Unsuitable value: The argument "max_removed" must be a number of items, such as 3, or a part of them, such as "50%", but is "-1".
  max_items   = -1
#               ^^ Unsuitable value: The argument "max_items" must be a whole number from 0 to 2147483647, but is -1.
}

generator "clusters" "names" {
  names = ["prod", "prdo", "p*", "!dev"]
#         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unknown cluster: No cluster is called "prdo" in this configuration. Did you mean "prod"?
#         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unknown cluster: No cluster is called "dev" in this configuration.
}

generator "clusters" "pattern" {
  names = ["[a"]
#         ^^^^^^ Invalid pattern: The pattern "[a" is not valid: write a name, or one with * for any text.
}

generator "list" "fine" {
  elements = [{ key = "a", name = "a", n = 1 }, { key = "b", name = "b", n = 2 }]
}

generator "list" "other" {
  elements = [{ key = "c", n = 3 }]
}

generator "list" "nameless" {
  elements = [{ key = "c", name = null }, { key = "d" }]
}

generator "list" "same" {
  elements = [{ key = "x", n = 5 }, { key = "y", n = 5 }]
}

generator "list" "deep" {
  elements = [{ key = "x", labels = { a = "b" } }]
}

generator "list" "slashes" {
  elements = [{ key = "x", a = "1/2", b = "3" }, { key = "y", a = "1", b = "2/3" }]
}

generator "list" "each" {
  for_each = { a = 1, c = 2 }
  elements = [{ key = "z" }]
}

cluster "prod" {
  context = "prod"
}
