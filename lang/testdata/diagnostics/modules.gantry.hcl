# Calling modules, and what is wrong with that.

cluster "eu" {
  server = "https://eu.example.com"
}

project "production" {}

module "sound" {
  source   = "./modules/service"
  for_each = toset(["a", "b"])
  name     = each.key
  cluster  = cluster.eu
}

module "without_source" {
#^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The module block needs the argument "source", a string: where the module is: a path that begins with `./` or `../`, a git repository such as `git::https://github.com/example/modules.git//platform?ref=v1.2.0`, or an OCI artifact such as `oci://registry.example.com/modules/platform:1.2.0`.
  name = "a"
}

module "empty_source" {
  source = ""
#          ^^ Invalid module source: The source "" cannot be used: it is empty: write the path of a directory, such as "./network", or the URL of a git repository or of an OCI artifact.
}

module "computed_source" {
  source = "./modules/${local.which}"
#          ^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid module source: The argument "source" must be text in quotes: the modules are read before anything is evaluated.
}

module "nowhere" {
  source = "./modules/nowhere"
#          ^^^^^^^^^^^^^^^^^^^ Module not found: The directory modules/nowhere cannot be read: it does not exist. The path is from the directory of the module that calls it.
}

module "not_a_module" {
#^^^^^^^^^^^^^^^^^^^^ No configuration files: There is no *.gantry.hcl or *.gantry.json file in apps. Correct the source of the module block.
  source = "./apps"
}

module "outside" {
  source = "../elsewhere"
#          ^^^^^^^^^^^^^^ Module not found: The directory ../elsewhere cannot be read: it is outside the configuration. The path is from the directory of the module that calls it.
}

module "registry" {
  source = "example/service"
#          ^^^^^^^^^^^^^^^^^ Invalid module source: The source "example/service" cannot be used: a path begins with "./" or "../"; did you mean "./example/service"?
}

module "remote" {
  source = "git::https://git.example.com/modules.git//service?ref=v1"
#          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Module not available: The module is at https://git.example.com/modules.git//service?ref=v1, which cannot be read here. Only modules with a path as their source can.
}

module "missing_argument" {
#^^^^^^^^^^^^^^^^^^^^^^^^ Missing module argument: The module needs the argument "name": its variable at modules/service/service.gantry.hcl:2,1-16 has no default.
  source  = "./modules/service"
  cluster = cluster.eu
}

module "mistyped_argument" {
  source  = "./modules/service"
  name    = "a"
  clustr  = cluster.eu
# ^^^^^^ Unsupported argument: The module has no variable "clustr", and a module block no argument of this name. Did you mean "cluster"?
  cluster = cluster.eu
}

module "unknown_attributes" {
  source   = "./modules/typed"
  settings = { name = "web", cluster = cluster.eu, nmespace = "a" }
#            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid value for variable: The argument does not fit the type of variable "settings", which is object({cluster=cluster,name=string,namespace=optional(string)}): there is no attribute "nmespace" in this type. Did you mean "namespace"?
  plain    = { name = "web", replicas = 2, limit = { cpus = 1 } }
#            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid value for variable: The argument does not fit the type of variable "plain", which is object({limit=optional(object({cpu=optional(string)})),name=string,replicas=optional(number)}): limit: there is no attribute "cpus" in this type. Did you mean "cpu"?
}

module "unsuitable_argument" {
  source  = "./modules/service"
  name    = ["a"]
#           ^^^^^ Invalid value for variable: The argument does not fit the type of variable "name", which is string: string required, but have tuple.
  cluster = project.production
#           ^^^^^^^^^^^^^^^^^^ Invalid value for variable: The argument does not fit the type of variable "cluster", which is cluster: it must be a cluster, but is project.production.
}

module "invalid_argument" {
  source  = "./modules/service"
  name    = ""
#           ^^ Invalid value for variable: A service needs a name.\n\nThis is checked by the validation at modules/service/service.gantry.hcl:4,3-13.
  cluster = cluster.eu
}

module "no_instances" {
  source   = "./modules/service"
  for_each = ["a", "b"]
#            ^^^^^^^^^^ Invalid for_each argument: for_each takes a map, an object, a set of strings or a generator, but this is a list, whose elements would have no names of their own. For strings use toset(...); for objects a for expression that gives each a key, such as { for x in LIST : x.name => x }, or a generator "list".
  name     = "a"
  cluster  = cluster.eu
}

module "grants" {
  source = "./modules/grants"
}

module "itself" {
  source = "./modules/itself"
}

locals {
  which         = "service"
  output        = module.sound["a"].namespace
  mistyped      = module.sound["a"].namspace
#                 ^^^^^^^^^^^^^^^^^^^^^^^^^^ Reference to undeclared block: The module has no output "namspace"; nothing else of it can be referred to. Did you mean module.sound.namespace?
  inside        = module.sound["a"].application
#                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Reference to undeclared block: The module has no output "application"; nothing else of it can be referred to.
  no_key        = module.sound.namespace
#                 ^^^^^^^^^^^^^^^^^^^^^^ Incomplete reference: module.sound has for_each, so that each of its instances has outputs of its own. Say which one is meant: module.sound["KEY"].namespace.
  undeclared    = module.sounds
#                 ^^^^^^^^^^^^^ Reference to undeclared block: No module "sounds" is declared in this configuration. Did you mean module.sound?
  incomplete    = module
#                 ^^^^^^ Incomplete reference: The word "module" must be followed by a name: module.NAME.
  no_such_key   = module.sound["c"].namespace
#                             ^^^^^ Invalid index: The given key does not identify an element in this collection value. Did you mean "a"?
  root_of_paths = path.root
#                 ^^^^^^^^^ Incomplete reference: The word "path" must be followed by a name: path.module, the directory of the module, which all paths are from.
  this_module   = path.module
}

application "waits" {
  depends_on = [module.sound["c"], module.sound["a"].application.web, module.sound]
#               ^^^^^^^^^^^^^^^^^ Invalid depends_on argument: module.sound has no instance with the key "c". Did you mean "a"?
#                                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid depends_on argument: Only a module as a whole can be named, as module.sound["a"]: what is in it is its own affair.
  source {
    url = "./apps"
  }
  destination {
    cluster = cluster.eu
  }
}

variable "cluster" {
  type    = cluster
#           ^^^^^^^ Invalid type specification: A variable of the root module cannot hold a block, as none can be given from outside. Only modules that are called can have variables of the type cluster.
  default = null
}

output "undeclared" {
  value = local.outptu
#         ^^^^^^^^^^^^ Reference to undeclared block: No local value "outptu" is declared in this configuration. Did you mean local.output?
}

variable "token" {
  default   = "hunter2"
  sensitive = true
}

output "token" {
  value = "token: ${var.token}"
#         ^^^^^^^^^^^^^^^^^^^^^ Sensitive output: The value of the output "token" is made of a sensitive one, and outputs of the root module are shown. Say sensitive = true, or nonsensitive(...) where it is no secret.
}

output "block" {
  value = cluster.eu
#         ^^^^^^^^^^ Unsuitable value: The value of the output "block" cannot be given to others: cluster.eu is a block, not a value; refer to one of its attributes, such as cluster.eu.name.
}

output "checked" {
  value = 1

  precondition {
    condition     = length(local.which) > 100
#                   ^^^^^^^^^^^^^^^^^^^^^^^^^ Precondition failed: The name service is too short.\n\nThis is a precondition of output.checked.
    error_message = "The name ${local.which} is too short."
  }
}
#! Block not allowed in a module: A cluster block may only be in the root module, so that a module cannot grant itself anything, and this one is called by module.grants. Declare it there, and pass what the module needs of it in a variable.
#! Block not allowed in a module: A project block may only be in the root module, so that a module cannot grant itself anything, and this one is called by module.grants. Declare it there, and pass what the module needs of it in a variable.
#! Reference to undeclared block: No cluster "eu" is declared in this module. A module uses only those that are passed to it: declare a variable of type cluster, and refer to it.
#! Module calls itself: The calls never end, as modules/itself is called from within itself:\n  module.itself.module.again (modules/itself/itself.gantry.hcl:1,1-15)\nRemove one of these module blocks.
