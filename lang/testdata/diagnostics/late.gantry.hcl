# Expressions that are evaluated case by case.

cluster "prod" {
  context = "prod"
}

variable "password" {
  default   = "hunter2"
  sensitive = true
}

variable "limit" {
  default = 3
}

secret "file" "key" {
  path = "key"
}

locals {
  kinds = ["Deployment"]
  ready = "True"
}

trigger "mistyped" {
  when     = app.operation.phse == "failed"
#                         ^^^^^ Unsupported attribute: This object does not have an attribute named "phse". Did you mean "phase"?
  once_per = ap.sync.revision
#            ^^^^^^^^^^^^^^^^ Unknown reference: There is nothing called "ap" to refer to. Did you mean "app"?
  message  = "Application ${app.nam} at ${app.sync.revison}"
#                              ^^^^ Unsupported attribute: This object does not have an attribute named "nam". Did you mean "name"?
#                                                 ^^^^^^^^ Unsupported attribute: This object does not have an attribute named "revison". Did you mean "revision"?
}

trigger "wrong_names" {
  when    = object.metadata.name == app.name
#           ^^^^^^^^^^^^^^^^^^^^ Unknown reference: There is nothing called "object" to refer to. This expression is evaluated case by case, with app; beyond that it may use application, cluster, credentials, each, generator, local, module, notifier, path, profile, project, remote, repository, role, secret, trigger and var.
  message = condition("Ready").message
#           ^^^^^^^^^ Call to unknown function: There is no function named "condition".
}

trigger "wrong_types" {
  when    = app.name
#           ^^^^^^^^ Unsuitable value: This expression is evaluated case by case, and must come to true or false, but is a string.
  message = app.labels
#           ^^^^^^^^^^ Unsuitable value: This expression is evaluated case by case, and must come to a string, but is a map.
}

trigger "secrets" {
  when    = app.name == var.password
#                       ^^^^^^^^^^^^ Sensitive value not allowed here: What this expression comes to is shown in plans and messages, so that it cannot use a sensitive value. nonsensitive(...) in a local value says that a value is no secret.
  message = "the password is ${var.password}, the key ${secret.file.key}"
#                              ^^^^^^^^^^^^ Sensitive value not allowed here: What this expression comes to is shown in plans and messages, so that it cannot use a sensitive value. nonsensitive(...) in a local value says that a value is no secret.
#                                                       ^^^^^^^^^^^^^^^ Secret not allowed here: What this expression comes to is shown in plans and messages, so that it cannot use secret.file.key.
}

trigger "files" {
  when    = app.name == file("name")
#                       ^^^^ Function not allowed here: This expression is evaluated case by case, where the configuration is no longer at hand, so that it cannot call file(...), which reads a file of the configuration. Give what it returns a name in a locals block, and refer to that.
  message = contians(["a"], app.name)
#           ^^^^^^^^ Call to unknown function: There is no function named "contians". Did you mean "contains"?
}

trigger "undeclared" {
  when    = app.name == local.nothing
#                       ^^^^^^^^^^^^^ Reference to undeclared block: No local value "nothing" is declared in this configuration.
  message = cluster.prod.nme
#                       ^^^^ Unsupported attribute: This object does not have an attribute named "nme". Did you mean "name"?
}

trigger "each" {
  when    = app.name == each.key
#                       ^^^^^^^^ Invalid use of each: trigger.each has no for_each argument, so that there is no each.key and each.value in it.
  message = "x"
}

trigger "null" {
#^^^^^^^^^^^^^ Missing required argument: The trigger block needs the argument "message", a late string: what it says: a text without markup, whatever the service.
  when = null
#        ^^^^ Unsuitable value: This expression is evaluated case by case, and must come to true or false, but is null.
}

policy "mistyped" {
  kinds       = ["apps/v1/Deployment", "Secret:web", ""]
#               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid pattern: A pattern is empty. For everything write "*".
#               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid pattern: "apps/v1/Deployment" must be of the form Kind or group/Kind, such as "Secret" or "apps/Deployment".
#               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid pattern: "Secret:web" must be of the form Kind or group/Kind, such as "Secret" or "apps/Deployment".
  actions     = ["create", "delete"]
#               ^^^^^^^^^^^^^^^^^^^^ Unsuitable value: The argument "actions" is not as expected: element 1 must be "adopt", "create", "forget", "orphan", "prune", "remember", "replace", "run" or "update", but is "delete".
  enforcement = "block"
#               ^^^^^^^ Unsuitable value: The argument "enforcement" must be "approve", "deny" or "warn", but is "block".
  violated    = anytrue([for c in object.spec.containers : endswth(c.image, ":latest")])
#                                                          ^^^^^^^ Call to unknown function: There is no function named "endswth". Did you mean "endswith"?
  message     = change.acton
#                     ^^^^^^ Unsupported attribute: This object does not have an attribute named "acton". Did you mean "action"?
}

policy "never" {
  kinds    = []
#            ^^ Unsuitable value: The argument "kinds" is an empty list. It would be for none.
  actions  = []
#            ^^ Unsuitable value: The argument "actions" is an empty list. The policy would never be asked.
  violated = object.spec.replicas > var.limit && contains(local.kinds, object.kind)
}

policy "several_lines" {
  violated = (
    object.spec.replicas > 1 &&
    changes.action == "update"
#   ^^^^^^^^^^^^^^ Unknown reference: There is nothing called "changes" to refer to. Did you mean "change"?
  )
}

health "example.com/Widget" {
  healthy = condition("Ready").state == local.ready
#                             ^^^^^^ Unsupported attribute: This object does not have an attribute named "state". It has current, exists, lastTransitionTime, message, observedGeneration, reason, severity, status and type.
  message = app.name
#           ^^^^^^^^ Unknown reference: There is nothing called "app" to refer to. This expression is evaluated case by case, with object; beyond that it may use application, cluster, credentials, each, generator, local, module, notifier, path, profile, project, remote, repository, role, secret, trigger and var.
}

health "example.com/v1/Widget" {
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid kind: "example.com/v1/Widget" must be a kind with its group, such as "cert-manager.io/Certificate". A kind of the core group, such as "Pod", stands alone.
  healthy = true
}

health "example.com/[a" {
#^^^^^^^^^^^^^^^^^^^^^^ Invalid pattern: "example.com/[a" is no pattern: unexpected end of input. In a pattern * is any text, ? any character, [ab] one of several characters and {a,b} one of several texts.
  healthy = object.status.ready
}

health "Pod" {
#^^^^^^^^^^^ Missing required argument: It is not said how an object shows its health. Set healthy, degraded, progressing or suspended, or status.
  message = "x"
}

health "example.com/Widget" {
#^^^^^^^^^^^^^^^^^^^^^^^^^^ Duplicate declaration: health["example.com/Widget"] was already declared at late.gantry.hcl:114,1-28. Rename or remove one of the two.
  degraded = "yes"
}

health "example.com/Both" {
  status   = "healthy"
  degraded = condition("Ready").status == "False"
#            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Conflicting arguments: status says what the health is, so that "degraded" has nothing to add. Use either.
}

health "example.com/More" {
  also    = ["example.com/Other", "example.com/v1/Other", "example.com/[b"]
#           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid kind: "example.com/v1/Other" must be a kind with its group, such as "cert-manager.io/Certificate". A kind of the core group, such as "Pod", stands alone.
#           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid pattern: "example.com/[b" is no pattern: unexpected end of input. In a pattern * is any text, ? any character, [ab] one of several characters and {a,b} one of several texts.
  healthy = field("status..phase") == "Ready"
#                  ^^^^^^^^^^^^^ Invalid function argument: Invalid value for "path" parameter: "status..phase" is no path: a name is missing in it.
}

health "example.com/Typo" {
  healthy = observd() && field("status.phase", "a", "b") == "Ready"
#           ^^^^^^^ Call to unknown function: There is no function named "observd". Did you mean "observed"?
#                                                    ^ Invalid function argument: Invalid value for "default" parameter: there is one default, no more.
}
