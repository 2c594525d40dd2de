# Variables whose declarations or values are wrong.
#: var number=many
#: var list=[1
#: var low=0
#: var object={ name = 1 }
#: var secret=hunter2
#: var nothing=null
#: var undeclared=1
#: var numbr=1

variable "number" {
  type = number
}

variable "list" {
  type = list(string)
}

variable "low" {
  type = number

  validation {
    condition     = var.low > 0
    error_message = "It must be above 0, but is ${var.low}."
  }
}

variable "object" {
  type = object({ name = string, replicas = number })
}

variable "secret" {
#^^^^^^^^^^^^^^^^ Invalid value for variable: The message is not shown, as it holds a sensitive value.\n\nThis is checked by the validation at variables.gantry.hcl:36,3-13.
  sensitive = true

  validation {
    condition     = length(var.secret) > 10
    error_message = "The secret ${var.secret} is too short."
  }
}

variable "nothing" {
  type = bool
}

variable "missing" {
#^^^^^^^^^^^^^^^^^ Missing value for variable: The variable "missing" has no default, and no value was given. Give one with --var 'missing=...', in gantry.vars.hcl, or in the environment as GANTRY_VAR_missing.
  description = "Nobody gives it."
}

variable "bad_default" {
  type    = list(number)
  default = ["one"]
#           ^^^^^^^ Invalid value for variable: The default does not fit the type of variable "bad_default", which is list(number): [0]: a number is required.
}

variable "null_default" {
  default = null
#           ^^^^ Invalid default: The default is null, but the variable must have a value. Leave the default out, so that a value must be given, or say nullable = true.
}

variable "computed_default" {
  default = local.x
#           ^^^^^^^ References not allowed: The value of a variable cannot refer to anything. Put what is computed into a locals block.
}

variable "bad_type" {
  type = strin
#        ^^^^^ Invalid type specification: The keyword "strin" is not a valid type specification. Did you mean "string"?
}

variable "misspelt" {
  defualt = 1
# ^^^^^^^ Unsupported argument: An argument named "defualt" is not expected here. Did you mean "default"?
}

variable "bad_condition" {
  default = 1

  validation {
    condition     = "yes, of course"
#                   ^^^^^^^^^^^^^^^^ Invalid condition: A condition must be true or false.
    error_message = "Never."
  }
}

variable "no_message" {
  default = 1

  validation {
# ^^^^^^^^^^ Missing required argument: The validation block needs the argument "error_message", an expression: a sentence for whoever has to mend it.
    condition = true
  }
}

variable "twice" {
  default     = 1
  description = cluster
#               ^^^^^^^ Unsuitable value: The argument "description" must be a string, but is an object.
}

variable "unknown_attribute" {
  type    = list(object({ name = string, replicas = optional(number, 1) }))
  default = [{ name = "web", replcas = 2 }]
#           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid value for variable: The default does not fit the type of variable "unknown_attribute", which is list(object({name=string,replicas=optional(number)})): [0]: there is no attribute "replcas" in this type. Did you mean "replicas"?
}

variable "unknown_key" {
  type    = map(object({ name = string }))
  default = { a = { name = "web", owner = "x" } }
#           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid value for variable: The default does not fit the type of variable "unknown_key", which is map(object({name=string})): ["a"]: there is no attribute "owner" in this type, which has name.
}

locals {
  x = 1
}
#! Value for undeclared variable: A value is given for the variable "undeclared", which is not declared in this configuration. To use the value, add a variable "undeclared" block.
#! Value for undeclared variable: A value is given for the variable "numbr", which is not declared in this configuration. Did you mean "number"?
#! Invalid value for variable: The value from --var of variable "list" must be written in HCL, as its type is list of string: There is no corresponding closing bracket before the end of the file. This may be caused by incorrect bracket nesting elsewhere in this file.
#! Invalid value for variable: It must be above 0, but is 0.\n\nThis is checked by the validation at variables.gantry.hcl:22,3-13.
#! Invalid value for variable: The variable "nothing" must not be null, and has no default.
#! Invalid value for variable: The value from --var of variable "number" must be of type number, but is "many".
#! Invalid value for variable: The value from --var does not fit the type of variable "object", which is object({name=string,replicas=number}): attribute "replicas" is required.
