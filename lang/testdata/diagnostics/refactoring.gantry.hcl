# What moved, removed and import blocks say against what is declared.

cluster "prod" {
  context = "prod"
}

application "web" {
  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
}

application "many" {
  for_each = toset(["a", "b"])
  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
}

moved {
  from = application.old
  to   = application.web
}

moved {
  from = application.web
#        ^^^^^^^^^^^^^^^ Contradictory refactoring: application.web is still declared, so that it cannot be application.many["a"] now. Remove or rename the block, or remove the moved block.
  to   = application.many["a"]
}

moved {
  from = application.gone
  to   = application.wbe
#        ^^^^^^^^^^^^^^^ Reference to undeclared block: No application.wbe is declared in this configuration. Did you mean application.web? What is moved there would be destroyed. If that is meant, say so with a removed block.
}

moved {
  from = application.left
  to   = application.removed
}

removed {
  from = application.removed
}

removed {
  from = application.many["b"]
#        ^^^^^^^^^^^^^^^^^^^^^ Contradictory refactoring: application.many["b"] is still declared, so that it is not removed. Remove its block, or the removed block.
}

import {
  to       = application.webb
#            ^^^^^^^^^^^^^^^^ Reference to undeclared block: No application.webb is declared in this configuration. Did you mean application.web?
  selector = "app=web"
}
