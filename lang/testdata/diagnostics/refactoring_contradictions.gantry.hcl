# What moved, removed and import blocks say against each other, and by themselves.

moved {
  from = application.a
#        ^^^^^^^^^^^^^ Contradictory refactoring: These moves lead back to where they began, so that it is not known what has which address now: application.a → application.b → application.a. Remove the oldest of them.
  to   = application.b
}

moved {
  from = application.b
  to   = application.a
}

moved {
  from = application.a
#        ^^^^^^^^^^^^^ Contradictory refactoring: application.a is moved to application.c here, and to application.b at refactoring_contradictions.gantry.hcl:4,10-23. Say one of the two.
  to   = application.c
}

moved {
  from = application.d
  to   = application.b
#        ^^^^^^^^^^^^^ Contradictory refactoring: Both application.d and application.a (refactoring_contradictions.gantry.hcl:4,10-23) are moved to application.b, which can be only one of them.
}

moved {
  from = application.e
  to   = application.e
#        ^^^^^^^^^^^^^ Contradictory refactoring: application.e is moved to itself. Remove the block.
}

moved {
  from = cluster.prod
#        ^^^^^^^^^^^^ Invalid address: Only applications are in the state, alone or in modules, and not cluster.prod.
  to   = cluster.main
#        ^^^^^^^^^^^^ Invalid address: Only applications are in the state, alone or in modules, and not cluster.main.
}

moved {
  from = "application.a"
#        ^^^^^^^^^^^^^^^ Invalid address: An address is written without quotes: application.a.
  to   = application.x.name
#        ^^^^^^^^^^^^^^^^^^ Invalid address: Nothing may follow application.x.
}

moved {
  from = application.y[each.key]
#        ^^^^^^^^^^^^^^^^^^^^^^^ Invalid address: It must be the address of an application or a module as it is written, with a key in quotes where it has one: application.web, application.web["eu"], module.platform.
  to   = module.y
}

moved {
  from = application.y
  to   = module.y
#        ^^^^^^^^ Invalid address: application.y cannot become module.y: an application moves to an application, and a module to a module.
}

moved {
  from = module.a
  to   = module.a.module.b
#        ^^^^^^^^^^^^^^^^^ Invalid address: A module cannot be moved into itself.
}

moved {
#^^^^ Missing required argument: The moved block needs the argument "from", an address: the address that it had.
  to = application.z
}

removed {
  from = application.a
#        ^^^^^^^^^^^^^ Contradictory refactoring: application.a is removed here and moved to application.b at refactoring_contradictions.gantry.hcl:4,10-23. Remove one of the blocks; what has moved is removed by its new address.
}

removed {
  from    = application.f
  destroy = false
}

removed {
  from = application.f
#        ^^^^^^^^^^^^^ Contradictory refactoring: application.f is removed twice, with and without destroying; the first time at refactoring_contradictions.gantry.hcl:75,13-26. Say one of the two.
}

import {
  to        = module.a
#             ^^^^^^^^ Invalid address: Objects are imported into an application, such as application.banner, and not into module.a.
  namespace = "Web"
#             ^^^^^ Unsuitable value: The argument "namespace" must consist of lower-case letters, digits and "-", with a letter or digit at both ends, but is "Web"; dns_label(...) makes it so.
  selector  = "app in"
#             ^^^^^^^^ Invalid selector: "app in" is no selector of labels: unable to parse requirement: found '' expected: '('.
}

import {
  to       = application.a
  selector = ""
#            ^^ Invalid selector: The selector is empty, and would import everything in the namespace.
}
