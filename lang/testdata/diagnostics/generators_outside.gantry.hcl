# What generators that ask services and clusters complain about.

generator "plugin" "no_url" {
#^^^^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The generator block needs the argument "url", a string: where the service is, such as `"https://previews.example.com"`.
}

generator "plugin" "bad_url" {
  url = "plugin.example.com"
#       ^^^^^^^^^^^^^^^^^^^^ Invalid URL: It must be an http or https URL, such as "https://plugin.example.com".
}

generator "plugin" "scheme" {
  url = "ftp://plugin.example.com"
#       ^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid URL: It must be an http or https URL, such as "https://plugin.example.com".
}

generator "plugin" "password" {
  url = "https://user:password@plugin.example.com"
#       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Credentials in a URL: The URL is shown in plans, so that it cannot hold a password. Use the argument "token".
}

generator "plugin" "query" {
  url = "https://plugin.example.com/?token=x"
#       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid URL: The URL of a plugin can have neither a query nor a fragment. What the service should know goes into the argument "input".
}

generator "plugin" "unreachable" {
  url = "https://unreachable.example.com"
#       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Cannot ask plugin: What the generator gives cannot be told: no answer within 30s.
}

generator "plugin" "text" {
  url = "https://text.example.com"
#       ^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid answer of a plugin: What the service answers is not JSON: line 1, column 1: 'h' is not expected here.
}

generator "plugin" "nameless" {
  url = "https://nameless.example.com"
#       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid answer of a plugin: What the service answers must name each item, but element 0 of the answer has no attribute "key"; say with the argument key which one names it.
}

generator "plugin" "other_key" {
  url = "https://nameless.example.com"
#       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid answer of a plugin: What the service answers must name each item, but element 0 of the answer has no attribute "id"; say with the argument key which one names it.
  key = "id"
}

generator "plugin" "twice" {
#^^^^^^^^^^^^^^^^^^^^^^^^^ Duplicate generator key: Two items have the key "a": element 0 of the answer and element 1 of the answer. Applications made of them could not be told apart.
  url = "https://twice.example.com"
}

generator "plugin" "input" {
  url   = "https://plugin.example.com"
  input = { cluster = cluster.prod }
#         ^^^^^^^^^^^^^^^^^^^^^^^^^^ Unsuitable value: The argument "input" cannot be sent: cluster: cluster.prod is a block, not a value; refer to one of its attributes, such as cluster.prod.name.
}

generator "plugin" "secret_input" {
  url   = "https://plugin.example.com"
  input = { token = sensitive("x") }
#         ^^^^^^^^^^^^^^^^^^^^^^^^^^ Sensitive value not allowed here: The argument "input" would be shown in plans and kept in state, so that it cannot hold a sensitive value. Sensitive values may go into the auth block of a cluster or a repository, into Helm values and into the data of Secret objects; nonsensitive(...) says that a value is no secret.
}

generator "plugin" "timeout" {
  url     = "https://plugin.example.com"
  timeout = "soon"
#           ^^^^^^ Unsuitable value: The argument "timeout" must be a duration such as "30s", "5m" or "1h30m", but is "soon".
}

generator "plugin" "fine" {
  url = "https://empty.example.com"
}

generator "cluster_decision_resource" "nothing" {
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The generator block needs the argument "cluster", a cluster: the cluster that the resource is in.
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The generator block needs the argument "api_version", a string: the resource's API version, such as `"cluster.open-cluster-management.io/v1beta1"`.
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The generator block needs the argument "kind", a string: the resource's kind, such as `"PlacementDecision"`.
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The generator needs the argument "name", or a selector block, and not both: which resources decide.
}

generator "cluster_decision_resource" "which" {
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The generator needs the argument "name", or a selector block, and not both: which resources decide.
  cluster     = cluster.prod
  api_version = "cluster.open-cluster-management.io/v1beta1"
  kind        = "PlacementDecision"
}

generator "cluster_decision_resource" "both" {
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The generator needs the argument "name", or a selector block, and not both: which resources decide.
  cluster     = cluster.prod
  api_version = "cluster.open-cluster-management.io/v1beta1"
  kind        = "PlacementDecision"
  name        = "web"

  selector {
    match_labels = { a = "b" }
  }
}

generator "cluster_decision_resource" "empty_name" {
  cluster     = cluster.prod
  api_version = "cluster.open-cluster-management.io/v1beta1"
  kind        = "PlacementDecision"
  name        = ""
#               ^^ Unsuitable value: The argument "name" is empty.
}

generator "cluster_decision_resource" "missing" {
  cluster     = cluster.prod
#               ^^^^^^^^^^^^ Cannot read cluster: What the generator gives cannot be told: cluster "prod": PlacementDecision gantry/missing: not found.
  api_version = "cluster.open-cluster-management.io/v1beta1"
  kind        = "PlacementDecision"
  namespace   = "gantry"
  name        = "missing"
}

generator "cluster_decision_resource" "none" {
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ No such resource: In cluster "prod" no PlacementDecision has the labels that the selector asks for, so that nothing decides. Where that is meant, remove the generator.
  cluster     = cluster.prod
  api_version = "cluster.open-cluster-management.io/v1beta1"
  kind        = "PlacementDecision"

  selector {
    match_labels = { none = "here" }
  }
}

generator "cluster_decision_resource" "undecided" {
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid decision: PlacementDecision.cluster.open-cluster-management.io gantry/undecided has no status.decisions: what decides has not done so yet, or the list is called otherwise; say so with the argument status_list.
  cluster     = cluster.prod
  api_version = "cluster.open-cluster-management.io/v1beta1"
  kind        = "PlacementDecision"
  name        = "undecided"
}

generator "cluster_decision_resource" "match_key" {
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid decision: PlacementDecision.cluster.open-cluster-management.io gantry/unknown has in status.decisions an element 0 without a text "cluster"; say with the argument match_key what names the cluster.
  cluster     = cluster.prod
  api_version = "cluster.open-cluster-management.io/v1beta1"
  kind        = "PlacementDecision"
  name        = "unknown"
  match_key   = "cluster"
}

generator "cluster_decision_resource" "unknown_cluster" {
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ warning: Decision for an unknown cluster: PlacementDecision.cluster.open-cluster-management.io gantry/unknown decided for the cluster "elsewhere", which no block declares; it is passed over.
  cluster     = cluster.prod
  api_version = "cluster.open-cluster-management.io/v1beta1"
  kind        = "PlacementDecision"
  name        = "unknown"
  status_list = "others"
}

generator "cluster_decision_resource" "twice" {
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Duplicate generator key: Two items have the key "prod": a decision of PlacementDecision.cluster.open-cluster-management.io gantry/first and a decision of PlacementDecision.cluster.open-cluster-management.io gantry/second. Applications made of them could not be told apart.
  cluster     = cluster.prod
  api_version = "cluster.open-cluster-management.io/v1beta1"
  kind        = "PlacementDecision"

  selector {
    match_labels = { twice = "yes" }
  }
}

cluster "prod" {
  context = "prod"
}
