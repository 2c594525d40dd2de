# Generators whose items cannot be told apart, or cannot be told at all.

generator "list" "twice" {
#^^^^^^^^^^^^^^^^^^^^^^^ Duplicate generator key: Two items have the key "a": element 0 and element 2. Applications made of them could not be told apart.
  elements = [{ key = "a", n = 1 }, { key = "b" }, { key = "a", n = 2 }]
}

generator "list" "same" {
#^^^^^^^^^^^^^^^^^^^^^^ Duplicate generator key: Two items have the key "2bfd14f43d": element 0 and element 1. Applications made of them could not be told apart.
  elements = [{ n = 1 }, { n = 1 }]
}

generator "list" "no_list" {
  elements = "a"
#            ^^^ Unsuitable value: The argument "elements" must be a list or a map, but is a string.
}

generator "list" "null_element" {
  elements = ["a", null]
#            ^^^^^^^^^^^ Invalid generator element: The element 1 is null.
}

generator "list" "bad_key" {
  elements = [{ key = 1 }]
#            ^^^^^^^^^^^^^ Invalid generator element: The element 0 cannot be used: its attribute "key" must be a string, but is a number.
}

generator "list" "nothing" {
#^^^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The generator block needs the argument "elements", a value: the elements: a list of objects or strings, or a map.
}

generator "list" "secret" {
  elements = [sensitive("a")]
#            ^^^^^^^^^^^^^^^^ Sensitive value not allowed here: The argument "elements" would be shown in plans and kept in state, so that it cannot hold a sensitive value. Sensitive values may go into the auth block of a cluster or a repository, into Helm values and into the data of Secret objects; nonsensitive(...) says that a value is no secret.
}

generator "clusters" "operator" {
  selector {
    match_expressions {
      key      = "environment"
      operator = "in"
#                ^^^^ Unsuitable value: The argument "operator" must be "DoesNotExist", "Exists", "In" or "NotIn", but is "in"; did you mean "In"?
    }
  }
}

generator "clusters" "no_values" {
  selector {
    match_expressions {
#   ^^^^^^^^^^^^^^^^^ Missing required argument: The operator NotIn needs the argument "values".
      key      = "environment"
      operator = "NotIn"
    }
    match_expressions {
      key      = "environment"
      operator = "Exists"
      values   = ["x"]
#                ^^^^^ Conflicting arguments: The operator Exists takes no values.
    }
  }
}

generator "matrix" "one" {
  generators = [generator.list.fine]
#              ^^^^^^^^^^^^^^^^^^^^^ Too few generators: A matrix combines two generators or more, but there are 1.
}

generator "matrix" "conflict" {
  generators = [generator.list.fine, generator.list.other]
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Conflicting generator items: The items "a" and "c" both have the attribute "n", with different values. Leave one of them out, with a generator "list" over what is needed of it.
}

generator "matrix" "no_generator" {
  generators = [generator.list.fine, cluster.prod]
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unsuitable value: The argument "generators" is not as expected: element 1 must be an object, but is cluster.prod.
}

generator "matrix" "no_objects" {
  generators = [generator.list.strings, generator.list.fine]
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unsuitable value: Only objects can be combined, but the item "x" of element 0 is a string. Give it a name: { name = ... }.
}

generator "matrix" "no_brackets" {
  generators = generator.list.fine
#              ^^^^^^^^^^^^^^^^^^^ Unsuitable value: The argument "generators" must be a list of objects, but is an object; put it in brackets.
}

generator "git" "nothing" {
#^^^^^^^^^^^^^^^^^^^^^^^^ Missing block: A generator "git" needs a directories or a files block, which says what to give.
  repository = repository.config
}

generator "git" "nowhere" {
#^^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The generator needs the argument "repository", or "url".
  directories {
    path = "*"
  }
}

generator "git" "both" {
  repository = repository.config

  directories {
    path = "*"
  }
  files {
# ^^^^^ Conflicting blocks: A generator "git" gives directories or files, not both. Make two generators of it.
    path = "*"
  }
}

generator "git" "patterns" {
  repository = repository.config

  directories {
    path = "/apps/*"
#          ^^^^^^^^^ Invalid pattern: The pattern "/apps/*" must not begin with "/": paths are relative to the repository's root.
  }
  directories {
    path = "apps/"
#          ^^^^^^^ Invalid pattern: The pattern "apps/" must not end with "/".
  }
  directories {
    path = "apps/../*"
#          ^^^^^^^^^^^ Invalid pattern: The pattern "apps/../*" must not have "..", "." or empty parts.
  }
  directories {
    path = "apps/[a"
#          ^^^^^^^^^ Invalid pattern: The pattern "apps/[a" is not valid: a bracket or brace is not closed.
  }
  directories {
    path = ""
#          ^^ Invalid pattern: The pattern "" is empty.
  }
}

generator "git" "unreachable" {
  url = "https://unreachable.example.com/config"
#       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Cannot read source: What the generator gives cannot be told: no such host.

  directories {
    path = "*"
  }
}

generator "git" "broken_files" {
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid generator file: The file broken/1-twice.yaml cannot be used: line 3: the key "a" was already given on line 1.
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid generator file: The file broken/2-string.yaml cannot be used: it must hold a mapping, but holds a string.
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid generator file: The file broken/3-documents.yaml cannot be used: it holds 2 YAML documents; put them into a list.
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid generator file: The file broken/4-path.json cannot be used: it has a key "path", which would hide where the file is; rename it.
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid generator file: The file broken/5-list.json cannot be used: element 0: it must hold a mapping, but holds a number.
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid generator file: The file broken/6-syntax.json cannot be used: line 1: did not find expected node content.
  repository = repository.config

  files {
    path = "broken/*"
  }
}

generator "list" "fine" {
  elements = [{ key = "a", n = 1 }, { key = "b", n = 2 }]
}

generator "list" "other" {
  elements = [{ key = "c", n = 3 }]
}

generator "list" "strings" {
  elements = ["x", "y"]
}

repository "config" {
  url = "https://git.example.com/config"
}

cluster "prod" {
  context = "prod"
}
