# Clusters that cannot be reached as they are said to be.

cluster "nowhere" {
#^^^^^^^^^^^^^^^^ Cluster without a connection: It is not said how to reach cluster.nowhere. Set server, kubeconfig and context, or in_cluster = true. There is no default, so that nothing is ever applied to a cluster that happens to be at hand.
  labels = { a = "b" }
}

cluster "everywhere" {
  in_cluster = true
  context    = "prod"
#              ^^^^^^ Conflicting arguments: A cluster is reached in one way, but both in_cluster and context are set. Remove one of them.
}

cluster "two_ways" {
  server     = "https://prod.example.com"
  kubeconfig = "config"
#              ^^^^^^^^ Conflicting arguments: A cluster is reached in one way, but both server and kubeconfig are set. Remove one of them.
}

cluster "plain_http" {
  server = "http://prod.example.com"
#          ^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid URL: The server must be an https URL: over http, everyone in between can read and change what is sent. Only this machine itself may be reached by http.
}

cluster "no_url" {
  server = "prod.example.com:6443"
#          ^^^^^^^^^^^^^^^^^^^^^^^ Invalid URL: The server must be an https URL, such as "https://prod.example.com:6443".
}

cluster "password_in_url" {
  server = "https://user:password@prod.example.com"
#          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Credentials in a URL: The server's URL is kept in plans and state, so that it cannot hold a password. Use an auth block.
}

cluster "query" {
  server = "https://prod.example.com?x=y"
#          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid URL: The server's URL can have neither a query nor a fragment.
}

cluster "auth_of_context" {
  context = "prod"

  auth {
# ^^^^ Conflicting arguments: An auth block goes with server; otherwise the credentials come from the kubeconfig or the pod.
    token = "x"
  }
}

cluster "two_logins" {
  server = "https://prod.example.com"

  auth {
# ^^^^ Conflicting arguments: There is one way to log in, but both token and exec are set. Remove one of them.
    token = "x"
    exec {
      command = "aws"
    }
  }
}

cluster "half_a_certificate" {
  server = "https://prod.example.com"

  auth {
    client_certificate = "x"
#                        ^^^ Missing required argument: The argument "client_certificate" needs "client_key" beside it.
  }
}

cluster "no_user" {
  server = "https://prod.example.com"

  auth {
    password = "x"
#              ^^^ Missing required argument: The argument "password" needs "username" beside it.
  }
}

cluster "no_login" {
  server = "https://prod.example.com"

  auth {
# ^^^^ Empty auth block: It says nothing. Set token, client_certificate and client_key, or username and password, or add an exec block.
  }
}

cluster "no_command" {
  server = "https://prod.example.com"

  auth {
    exec {
#   ^^^^ Missing required argument: The exec block needs the argument "command", a string: the program.
      api_version = "client.authentication.k8s.io/v1alpha1"
#                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unsuitable value: The argument "api_version" must be "client.authentication.k8s.io/v1" or "client.authentication.k8s.io/v1beta1", but is "client.authentication.k8s.io/v1alpha1"; did you mean "client.authentication.k8s.io/v1beta1"?
    }
  }
}

cluster "proxy" {
  context   = "prod"
  proxy_url = "http://proxy.example.com"
#             ^^^^^^^^^^^^^^^^^^^^^^^^^^ Conflicting arguments: The argument "proxy_url" goes with server; with context this comes from there.
}

cluster "bad_proxy" {
  server    = "https://prod.example.com"
  proxy_url = "ftp://proxy.example.com"
#             ^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid URL: The proxy must be an http, https or socks5 URL, such as "http://proxy.example.com:3128".
}

cluster "proxy_password" {
  server    = "https://prod.example.com"
  proxy_url = "http://user:password@proxy.example.com"
#             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Credentials in a URL: The URL of the proxy is kept in plans and state, so that it cannot hold a password.
}

cluster "pointless" {
  server         = "https://prod.example.com"
  insecure       = true
#                  ^^^^ Conflicting arguments: With insecure no certificate is checked, so that ca_certificate has no effect. Remove one of them.
  ca_certificate = "x"
}

cluster "types" {
  context     = ["prod"]
#               ^^^^^^^^ Unsuitable value: The argument "context" must be a string, but is a list.
  labels      = ["a"]
#               ^^^^^ Unsuitable value: The argument "labels" must be a map of strings, but is a list.
  annotations = { a = null, b = { c = "d" } }
#               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unsuitable value: The argument "annotations" must be a map of strings, but is an object: element "b": string required, but have object.
}

cluster "reference" {
  context = cluster.pointless
}

cluster "same" {
#^^^^^^^^^^^^^ Duplicate cluster name: Two cluster blocks give the name "same"; the first is at clusters.gantry.hcl:142,1-15. The keys of for_each are names, too.
  context = "same"
}

cluster "many" {
  for_each = toset(["same", "other"])
  context  = each.key
}
