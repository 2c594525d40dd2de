# Fields to redact.

cluster "main" {
#^^^^^^^^^^^^^ Cluster without a connection: It is not said how to reach cluster.main. Set server, kubeconfig and context, or in_cluster = true. There is no default, so that nothing is ever applied to a cluster that happens to be at hand.
}

application "web" {
  source {
    objects = [{ apiVersion = "v1", kind = "ConfigMap", metadata = { name = "a" } }]
  }
  destination {
    cluster   = cluster.main
    namespace = "web"
  }
  redact {
    kind          = "Database"
    json_pointers = ["/spec/users/*/password"]
  }
  redact {
    kind          = "Database"
    json_pointers = ["spec/password", "/metadata/name", "/*"]
#                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid JSON pointer: "spec/password" is no JSON pointer: it must begin with "/", as in "/spec/password".
#                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid JSON pointer: "/metadata/name" names what an object is called by, which messages and plans must say. Name the fields that hold the values.
#                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid JSON pointer: "/*" names what an object is called by, which messages and plans must say. Name the fields that hold the values.
  }
  redact {
# ^^^^^^ Missing required argument: The redact block needs the argument "json_pointers", a list of strings: fields by JSON pointer (RFC 6901), in which `*` stands for any member or element: `/spec/users/*/password`.
    kind = "Database"
  }
}
