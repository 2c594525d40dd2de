# References that lead nowhere.

locals {
  misspelt_root    = locl.x
#                    ^^^^^^ Unknown reference: There is nothing called "locl" to refer to. Did you mean "local"?
  unknown_root     = nothing.at.all
#                    ^^^^^^^^^^^^^^ Unknown reference: There is nothing called "nothing" to refer to; references begin with application, cluster, credentials, each, generator, local, module, notifier, path, profile, project, remote, repository, role, secret, trigger or var.
  forgotten_quotes = main
#                    ^^^^ Unknown reference: There is nothing called "main" to refer to; references begin with application, cluster, credentials, each, generator, local, module, notifier, path, profile, project, remote, repository, role, secret, trigger or var. If a string is meant, put it in quotes: "main".
  incomplete       = local
#                    ^^^^^ Incomplete reference: The word "local" must be followed by a name: local.NAME.
  no_name          = generator.list
#                    ^^^^^^^^^^^^^^ Incomplete reference: The word "generator.list" must be followed by a name: generator.list.NAME.
  misspelt_type    = generator.lits.regions
#                    ^^^^^^^^^^^^^^^^^^^^^^ Reference to undeclared block: There is no type of generator called "lits". Did you mean generator.list?
  misspelt_name    = generator.list.region
#                    ^^^^^^^^^^^^^^^^^^^^^ Reference to undeclared block: No generator of type list is called "region" in this configuration. Did you mean generator.list.regions?
  misspelt_local   = local.regoins
#                    ^^^^^^^^^^^^^ Reference to undeclared block: No local value "regoins" is declared in this configuration. Did you mean local.regions?
  misspelt_var     = var.replica
#                    ^^^^^^^^^^^ Reference to undeclared block: No variable "replica" is declared in this configuration. Did you mean var.replicas?
  misspelt_cluster = cluster.prd
#                    ^^^^^^^^^^^ Reference to undeclared block: No cluster "prd" is declared in this configuration. Did you mean cluster.prod?
  far_off          = project.zzzzzzzz
#                    ^^^^^^^^^^^^^^^^ Reference to undeclared block: No project "zzzzzzzz" is declared in this configuration.
  each             = each.key
#                    ^^^^^^^^ Invalid use of each: Local values are the same everywhere: each.key and each.value are only in blocks with a for_each argument.
  label            = cluster.prod.labels.regin
#                                       ^^^^^^ Unsupported attribute: This object does not have an attribute named "regin". Did you mean "region"?
  attribute        = cluster.prod.nam
#                                ^^^^ Unsupported attribute: This object does not have an attribute named "nam". Did you mean "name"?
  item             = generator.list.regions.eu.replica
#                                             ^^^^^^^^ Unsupported attribute: This object does not have an attribute named "replica". Did you mean "replicas"?
  in_a_for         = [for c in cluster : c.labels.regiom]
#                                                ^^^^^^^ Unsupported attribute: This object does not have an attribute named "regiom". Did you mean "region"?
  after_a_call     = merge(cluster.prod.labels, {}).regio
#                                                  ^^^^^^ Unsupported attribute: This object does not have an attribute named "regio". Did you mean "region"?
  no_object        = var.replicas.count
#                                ^^^^^^ Unsupported attribute: Can't access attributes on a primitive-typed value (number).
  function         = uper("x")
#                    ^^^^ Call to unknown function: There is no function named "uper". Did you mean "upper"?
  regions          = "x"
}

variable "replicas" {
  type    = number
  default = 1
}

cluster "prod" {
  context = "prod"
  labels  = { region = "eu" }
}

generator "list" "regions" {
  elements = [{ key = "eu", replicas = 1 }]
}
