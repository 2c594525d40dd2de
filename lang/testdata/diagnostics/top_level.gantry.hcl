# Blocks that are not there, names that cannot be, and what comes twice.

aplication "web" {
#^^^^^^^^^ Unsupported block type: Blocks of type "aplication" are not expected here. Did you mean "application"?
}

webhook "web" {
#^^^^^^ Unsupported block type: Blocks of type "webhook" are not expected here. At the top level there may be the blocks application, check, cluster, credentials, function, gantry, generator, health, import, locals, module, moved, notifier, output, policy, profile, project, remote, removed, repository, role, rollout, secret, trigger and variable.
}

cluster "prod eu" {
#       ^^^^^^^^^ Invalid name: "prod eu" cannot be referred to: a name must start with a letter or "_" and have only letters, digits, "_" and "-". "prod-eu" would do.
  context = "prod"
}

cluster {
#       ^ Missing name for cluster: All cluster blocks must have 1 labels (name).
  context = "prod"
}

cluster "a" "b" {
#           ^^^ Extraneous label for cluster: Only 1 labels (name) are expected for cluster blocks.
  context = "prod"
}

cluster "same" {
  context = "prod"
}

cluster "same" {
#^^^^^^^^^^^^^ Duplicate declaration: cluster.same was already declared at top_level.gantry.hcl:26,1-15. Rename or remove one of the two.
  context = "prod"
}

gantry {
  required_version = ">= 2"
#                    ^^^^^^ Unsupported version of gantry: This configuration needs gantry >= 2, and this is 1.2.3. Use a version that fits, or change required_version after reading the changelog.

  backend "s3" {
# ^^^^^^^^^^^^ Missing required argument: The backend block needs the argument "bucket", a string: the bucket.
    path = "x"
#   ^^^^ Unsupported argument: An argument named "path" is not expected here. In a backend block there may be the arguments access_key, bucket, endpoint, path_style, prefix, profile, region and secret_key.
  }
}

gantry {
#^^^^^ Duplicate declaration: There may be one gantry block in a module, and the first is at top_level.gantry.hcl:35,1-7. Put the arguments of both into one.
}

locals {
  twice = 1
}

locals {
  twice = 2
# ^^^^^ Duplicate declaration: local.twice was already declared at top_level.gantry.hcl:51,3-8. Rename or remove one of the two.
}

generator "gti" "x" {
#         ^^^^^ Unknown type label: There is no generator of type "gti"; the types are cluster_decision_resource, clusters, git, list, matrix, merge, plugin, pull_request and scm_provider. Did you mean "git"?
}

generator "plugin" "x" {
#^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The generator block needs the argument "url", a string: where the service is, such as `"https://previews.example.com"`.
}
