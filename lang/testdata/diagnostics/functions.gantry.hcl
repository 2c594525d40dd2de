# Functions that refuse their arguments.
#: var secret=hunter2

variable "secret" {
  sensitive = true
}

locals {
  outside      = file("../x")
#                      ^^^^ Invalid function argument: Invalid value for "path" parameter: "../x" is outside the directory of the configuration; paths are relative to it.
  absolute     = file("/etc/passwd")
#                      ^^^^^^^^^^^ Invalid function argument: Invalid value for "path" parameter: "/etc/passwd" is outside the directory of the configuration; paths are relative to it.
  missing      = file("missing.txt")
#                      ^^^^^^^^^^^ Invalid function argument: Invalid value for "path" parameter: there is no file "missing.txt"; paths are relative to the directory of the configuration.
  binary       = file("binary")
#                      ^^^^^^ Invalid function argument: Invalid value for "path" parameter: the file "binary" is not text in UTF-8; filebase64 reads other files.
  directory    = file("apps")
#                      ^^^^ Invalid function argument: Invalid value for "path" parameter: "apps" is not a file.
  template     = templatefile("template.txt", { name = "x" })
#                                             ^ Invalid function argument: Invalid value for "vars" parameter: template.txt uses the variable "nobody" on line 2, which is not given.
  broken       = templatefile("broken.txt", {})
#                ^^^^^^^^^^^^^ Error in function call: Call to function "templatefile" failed: broken.txt, line 2: Missing expression: Expected the start of an expression, but found the end of the file.
  recursive    = templatefile("recursive.txt", {})
#                ^^^^^^^^^^^^^ Error in function call: Call to function "templatefile" failed: recursive.txt, line 1: Call to unknown function: There is no function named "templatefile".
  number       = parseint("x", 10)
#                          ^ Invalid function argument: Invalid value for "number" parameter: cannot parse "x" as a base 10 integer.
  secret       = parseint(var.secret, 10)
#                         ^^^^^^^^^^ Invalid function argument: What parseint(...) says is not shown, as the expression uses a sensitive value.
  derived      = jsondecode(upper(var.secret))
#                           ^^^^^^ Invalid function argument: What jsondecode(...) says is not shown, as the expression uses a sensitive value.
  key          = { for x in [1, 1] : "${var.secret}" => x }
#                                    ^^^^^^^^^^^^^^^ Duplicate object key: Two different items produced the key "(sensitive)" in this 'for' expression. If duplicates are expected, use the ellipsis (...) after the value expression to enable grouping by key.
  yaml         = yamldecode("a: 1\na: 2")
#                            ^^^^^^^^^^ Invalid function argument: Invalid value for "str" parameter: it is not valid YAML: line 2: the key "a" was already given on line 1.
  documents    = yamldecode("a: 1\n---\nb: 2")
#                            ^^^^^^^^^^^^^^^ Invalid function argument: Invalid value for "str" parameter: it holds 2 documents; yamldecode_all reads them all.
  infinite     = yamldecode("a: .inf")
#                            ^^^^^^^ Invalid function argument: Invalid value for "str" parameter: it is not valid YAML: line 1: the number .inf is out of range; put it in quotes if it is meant as text.
  tag          = yamldecode("a: !!set {}")
#                            ^^^^^^^^^^^ Invalid function argument: Invalid value for "str" parameter: it is not valid YAML: line 1: the tag !!set is not supported.
  no_label     = dns_label("___")
#                           ^^^ Invalid function argument: Invalid value for "str" parameter: "___" has neither a letter a to z nor a digit.
  constraint   = semver_match("newest", "1.0.0")
#                              ^^^^^^ Invalid function argument: Invalid value for "constraint" parameter: "newest" is no version constraint.
  version      = semver_match(">= 1", "latest")
#                                      ^^^^^^ Invalid function argument: Invalid value for "version" parameter: "latest" is no version.
  too_few      = upper()
#                      ^ Not enough function arguments: Function "upper" expects 1 argument(s). Missing value for "str".
  too_many     = upper("a", "b")
#                            ^ Too many function arguments: Function "upper" expects only 1 argument(s).
  object       = merge_deep({}, "x")
#                                ^ Invalid function argument: Invalid value for "objects" parameter: an object is needed, not string.
  base64       = base64decode("?")
#                              ^ Invalid function argument: Invalid value for "str" parameter: it is not base64.
  network      = cidrhost("10.0.0.0/30", 4)
#                                        ^ Invalid function argument: Invalid value for "hostnum" parameter: 10.0.0.0/30 has 4 addresses.
  pattern      = fileset(".", "[")
#                              ^ Invalid function argument: Invalid value for "pattern" parameter: "[" is no pattern of relative paths.
  condition    = "x" ? 1 : 2
#                ^^^ Incorrect condition type: The condition expression must be of type bool.
  null_index   = null["x"]
#                    ^^^^^ Attempt to index null value: This value is null, so it does not have any indices.
  bad_index    = [1, 2][2]
#                      ^^^ Invalid index: The given key does not identify an element in this collection value: the given index is greater than or equal to the length of the collection.
  one          = one([1, 2])
#                    ^ Invalid function argument: Invalid value for "list" parameter: a list with one element or none is needed, not 2.
  index        = index(["a"], "b")
#                ^^^^^^ Error in function call: Call to function "index" failed: the value is not in the list.
  coalesce     = coalesce(null, "")
#                ^^^^^^^^^ Error in function call: Call to function "coalesce" failed: all arguments are null or empty.
  json         = jsonencode(cluster.prod)
#                ^^^^^^^^^^^ Error in function call: Call to function "jsonencode" failed: json: error calling MarshalJSON for type *value.Reference: cluster.prod is a block, not a value; refer to one of its attributes, such as cluster.prod.name.
  yaml_of_that = yamlencode({ a = cluster.prod })
#                           ^ Invalid function argument: Invalid value for "value" parameter: a: cluster.prod is a block, not a value; refer to one of its attributes, such as cluster.prod.name.
}

cluster "prod" {
  context = "prod"
}
