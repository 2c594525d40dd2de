# Functions written in the language.

function "image" {
  params = [name, tag]
  result = "registry.example.com/${name}:${tag}"
}

function "quoted" {
  params = ["name"]
#           ^^^^^^ Invalid parameter: A parameter is a name without quotes.
  result = "a"
}

function "no_list" {
  params = name
#          ^^^^ Invalid parameter: The parameters are names in brackets, such as [name, tag].
  result = "a"
}

function "twice" {
  params = [name, name]
#                 ^^^^ Invalid parameter: There are two parameters called "name".
  result = name
}

function "variadic" {
#^^^^^^^^^^^^^^^^^^ Invalid parameter: There are two parameters called "name".
  params         = [name]
  variadic_param = name
  result         = name
}

function "reaches_out" {
  params = [name]
  result = "${local.here} ${nam}"
#             ^^^^^^^^^^ Unknown reference: The result of a function can refer to its parameters only, and "local" is none of them. Pass it as an argument.
#                           ^^^ Unknown reference: There is no parameter "nam". Did you mean "name"?
}

function "ping" {
#^^^^^^^^^^^^^^ Function calls itself: The function never comes to an end: fn::ping calls fn::pong calls fn::ping. A function may call only others that do not call it.
  params = [n]
  result = fn::pong(n)
}

function "pong" {
  params = [n]
  result = fn::ping(n)
}

function "without_result" {
#^^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The function block needs the argument "result", an expression: what it gives.
  params = [n]
}

locals {
  here      = fn::image("web", "1")
  too_few   = fn::image("web")
#                            ^ Not enough function arguments: Function "fn::image" expects 2 argument(s). Missing value for "tag".
  mistyped  = fn::imag("web", "1")
#             ^^^^^^^^ Call to unknown function: There is no function "fn::imag" in this module. Did you mean "fn::image"?
  unsuited  = fn::image(["web"], "1")
#             ^^^^^^^^^^ Error in function call: Call to function "fn::image" failed: Invalid template interpolation value: Cannot include the given value in a string template: string required, but have tuple.
  recursive = fn::ping(1)
}
