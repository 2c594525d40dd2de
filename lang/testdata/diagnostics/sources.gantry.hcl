# Sources that come from nowhere, or from two places.
#: var secret=hunter2

variable "secret" {
  sensitive = true
}

cluster "prod" {
  context = "prod"
}

repository "config" {
  url = "https://git.example.com/config"
}

application "locations" {
  destination {
    cluster = cluster.prod
  }
  source {
# ^^^^^^ Source without a location: It is not said where objects come from. Set repository or url, path for a directory beside the configuration, or objects.
  }
  source {
# ^^^^^^ Source without a location: It is not said where objects come from. Set repository or url, path for a directory beside the configuration, or objects.
    pth = "x"
#   ^^^ Unsupported argument: An argument named "pth" is not expected here. Did you mean "path"?
  }
  source {
    repository = repository.config
    url        = "https://git.example.com/config"
#                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Conflicting arguments: A source is read from a repository or from a url, but both are set. Remove one of them.
  }
  source {
    path     = "x"
    revision = "main"
#              ^^^^^^ Conflicting arguments: The argument "revision" needs a repository or a url; a path alone is a directory beside the configuration.
  }
  source {
    path = "../x"
#          ^^^^^^ Invalid path: The path "../x" leads out of what it is in. For a directory that is not below the configuration's, say url = ".." and the path in it.
  }
  source {
    repository = repository.config
    path       = "../x"
#                ^^^^^^ Invalid path: The path "../x" leads out of what it is in.
  }
  source {
    path = "/etc"
#          ^^^^^^ Invalid path: The path "/etc" must be relative to the root of what it is in.
  }
  source {
    url   = "oci://registry.example.com/charts"
    chart = "x"
#           ^^^ Conflicting arguments: In a registry a chart is named by its URL alone: put its name at the end of the url.
  }
  source {
    url   = "ssh://git@git.example.com/config"
    chart = "x"
#           ^^^ Conflicting arguments: The argument "chart" names a chart of a Helm repository, but this source is of type git. For a chart in it, set path.
  }
  source {
    repository = repository.config
    chart      = "x"
    path       = "y"
#                ^^^ Conflicting arguments: A chart of a Helm repository has no path. Remove path or chart.
  }
  source {
    url = "https://user:${nonsensitive(var.secret)}@git.example.com/config"
#         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Credentials in a URL: The URL is shown in plans and kept in state, so that it cannot hold a password or token. Declare a repository with an auth block.
  }
  source {
    url = var.secret
#         ^^^^^^^^^^ Sensitive value not allowed here: The argument "url" would be shown in plans and kept in state, so that it cannot hold a sensitive value. Sensitive values may go into the auth block of a cluster or a repository, into Helm values and into the data of Secret objects; nonsensitive(...) says that a value is no secret.
  }
  source {
    repository = repository.config
    ref        = "a b"
#                ^^^^^ Invalid name: A ref must consist of letters, digits, "_" and "-", but is "a b".
  }
  source {
    repository = repository.config
    ref        = "values"
  }
  source {
    repository = repository.config
    ref        = "values"
#                ^^^^^^^^ Duplicate ref: Another source of the application has the ref "values", too.
  }
}

application "rendering" {
  destination {
    cluster = cluster.prod
  }
  source {
    path = "x"
    helm {
    }
    kustomize {
#   ^^^^^^^^^ Conflicting blocks: A source is of one kind, but both helm and kustomize are said. Remove one of the blocks, or make two sources of it.
    }
  }
  source {
    repository = repository.config
    chart      = "x"
    jsonnet {
#   ^^^^^^^ Conflicting blocks: A chart is rendered by Helm, not by jsonnet.
    }
  }
  source {
    path = "x"
    helm {
      release_name      = "Release"
#                         ^^^^^^^^^ Unsuitable value: The argument "release_name" must consist of lower-case letters, digits and "-", with a letter or digit at both ends, but is "Release"; dns_label(...) makes it so.
      value_files       = ["$valeus/x.yaml", "$other/y.yaml"]
#                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unknown ref: No source of the application has the ref valeus. Did you mean $values?
#                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unknown ref: No source of the application has the ref other. Add a source with ref = "other".
      values            = { a = 1e500 }
#                         ^^^^^^^^^^^^^ Invalid Helm values: The values cannot be written as JSON: a: 1e+500 is out of range: a whole number must fit in 64 bits; write it as a string if that is what is meant.
      parameters        = { a = "b" }
      string_parameters = { a = "b" }
#                         ^^^^^^^^^^^ Conflicting arguments: The parameter "a" is in parameters and in string_parameters. Remove one of them.
    }
  }
  source {
    path = "x"
    helm {
      values = { cluster = { it = cluster.prod } }
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid Helm values: The values cannot be written as JSON: cluster.it: cluster.prod is a block, not a value; refer to one of its attributes, such as cluster.prod.name.
    }
  }
  source {
    path = "x"
    helm {
      values = ["a"]
#              ^^^^^ Unsuitable value: The argument "values" must be an object, but is a list.
    }
  }
  source {
    path = "x"
    kustomize {
      images   = ["nginx"]
#                ^^^^^^^^^ Invalid image: "nginx" must have the form name:tag, name@digest or name=other:tag.
      replicas = { web = 1.5 }
#                ^^^^^^^^^^^^^ Unsuitable value: The argument "replicas" is not as expected: element "web" must be a whole number from 0 to 2147483647, but is 1.5.
      patches {
#     ^^^^^^^ Conflicting arguments: A patch is written in the argument "patch", or is in the file "path": set one of the two.
      }
      patches {
        path    = "x.yaml"
        options = { allowNameChange = true, allowEverything = true }
#                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unknown option: There is no option "allowEverything" of a patch; there are allowNameChange and allowKindChange.
      }
    }
  }
  source {
    path = "x"
    manifests {
      include = "{a"
#               ^^^^ Invalid pattern: The pattern "{a" is not valid: a bracket or brace is not closed.
    }
  }
  source {
    path = "x"
    jsonnet {
      libraries          = ["../lib"]
#                          ^^^^^^^^^^ Invalid path: The path "../lib" leads out of the repository; libraries are relative to its root.
      external_variables = { a = "b" }
      external_code      = { a = "1" }
#                          ^^^^^^^^^^^ Conflicting arguments: "a" is in external_variables and in external_code. Remove one of them.
    }
  }
  source {
    repository = repository.config
    ref        = "values"
  }
}

application "objects" {
  destination {
    cluster = cluster.prod
  }
  source {
    objects = {}
#             ^^ Unsuitable value: The argument "objects" must be a list of objects, but is an object; put it in brackets.
  }
  source {
    objects = ["x"]
#             ^^^^^ Unsuitable value: The argument "objects" is not as expected: element 0 must be an object, but is a string.
  }
  source {
    objects = [{ kind = "ConfigMap" }]
#              ^^^^^^^^^^^^^^^^^^^^^^ Invalid object: Object 0 has no apiVersion: every object of Kubernetes must have one, a string.
  }
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap" }]
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid object: Object 0 has no metadata: every object of Kubernetes must have it, with a name.
  }
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = {} }]
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid object: Object 0 has no metadata.name: every object of Kubernetes must have one, a string.
  }
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMapList", items = [] }]
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid object: Object 0 is a ConfigMapList; put its items into the list of objects.
  }
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "x" }, data = { n = 12345678901234567890 } }]
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid object: Object 0 cannot be written as JSON: data.n: 12345678901234567890 is out of range: a whole number must fit in 64 bits; write it as a string if that is what is meant.
  }
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "x" }, data = { n = var.secret } }]
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Sensitive value not allowed here: In object 0, ConfigMap x, the field data.n holds a sensitive value. Only the data and stringData of Secrets may: other fields are shown in plans.
  }
  source {
    objects = [sensitive({ apiVersion = "v1", kind = "Secret", metadata = { name = "x" } })]
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Sensitive value not allowed here: Object 0 as a whole is sensitive, so that not even its name could be shown. Only values in the data and stringData of Secrets may be.
  }
  source {
    objects = sensitive([])
#             ^^^^^^^^^^^^^ Sensitive value not allowed here: The list of objects as a whole is sensitive, so that not even the objects' names could be shown. Only values in the data and stringData of Secrets may be.
  }
  source {
    objects = [null]
#             ^^^^^^ Unsuitable value: The argument "objects" must not hold null, but element 0 is.
  }
  source {
    path    = "x"
#             ^^^ Conflicting arguments: A source with objects has no path: the objects are written right here. Make two sources of it.
    objects = []
    helm {
#   ^^^^ Conflicting blocks: Objects that are written in the configuration are not rendered by helm. Make two sources of it.
    }
  }
}
