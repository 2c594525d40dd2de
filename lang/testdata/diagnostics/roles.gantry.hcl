# Who may do what.

role "nobody" {
  groups = []
#          ^^ Unsuitable value: The argument "groups" is an empty list. Nobody would have the role.

  allow {
    actions      = ["get"]
    applications = ["*/*"]
  }
}

role "nothing" {
#^^^^^^^^^^^^^ Missing block: The role says nothing. Add an allow block with what its groups may do.
  groups = ["example:sre"]
}

role "missing" {
  deny {
# ^^^^ Missing required argument: The deny block needs the argument "applications", a list of strings: patterns of `project/application`: `payments/*`, `*/staging-*`; `/*` are those in no project.
    actions = ["get"]
  }
}

role "readers" {
  allow {
    actions      = ["get", "plan"]
    applications = ["*/*"]
  }
}

role "everybody" {
  default  = true
  issuers  = ["https://login.example.com"]
#            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Conflicting arguments: Everybody has a role with default = true, whoever vouches for them. Leave "issuers" away.
  inherits = [role.readers, role.nowhere]
#                           ^^^^^^^^^^^^ Reference to undeclared block: No role "nowhere" is declared in this configuration.
}

role "machines" {
  subjects = ["repo:example/web:ref:refs/heads/main", ""]
#            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unsuitable value: One of the subjects has no name.
  inherits = [role.readers]
}

role "turn" {
  subjects = ["a"]
  inherits = [role.around]
}

role "around" {
  subjects = ["a"]
  inherits = [role.turn]
#             ^^^^^^^^^ Cycle of references: These blocks refer to each other, so that none can come first:\n  role.around refers to role.turn (roles.gantry.hcl:53,15-24)\n  role.turn refers to role.around (roles.gantry.hcl:48,15-26)\nRemove one of these references.
}

role "wrong" {
  groups = ["example:sre", " ", "example:web "]
#          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unsuitable value: One of the groups has no name.
#          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unsuitable value: "example:web " has a space around it, or a line break or another control character. Names are compared letter by letter, so that it would be nobody's.

  allow {
    actions      = ["get", "aply", "sync", "fly", "action/*", "action/", "*", "!plan", "", "[a"]
#                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid pattern: "!plan" begins with "!", but this list names what is meant, and nothing can be taken out of it.
#                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid pattern: A pattern is empty. For everything write "*".
#                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid pattern: "[a" is no pattern: unexpected end of input. In a pattern * is any text, ? any character, [ab] one of several characters and {a,b} one of several texts.
#                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unknown action: There is no action "aply". Did you mean "apply"?
#                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unknown action: There is no action "sync". Did you mean "apply"?
#                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unknown action: There is no action "fly"; the actions are apply, approve, destroy, get, hold, override, plan, rollback and state. What is done to an object is action/NAME, such as action/restart.
#                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unknown action: There is no action "action/"; the actions are apply, approve, destroy, get, hold, override, plan, rollback and state. What is done to an object is action/NAME, such as action/restart.
    applications = ["web", "a/b/c", "!production/*", "*/*", "[a/b"]
#                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid pattern: "!production/*" begins with "!", but this list names what is meant, and nothing can be taken out of it.
#                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid pattern: "[a/b" is no pattern: unexpected end of input. In a pattern * is any text, ? any character, [ab] one of several characters and {a,b} one of several texts.
#                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid pattern: "web" must be of the form project/application. For all applications of all projects write "*/*".
#                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid pattern: "a/b/c" must be of the form project/application. For all applications of all projects write "*/*".
  }
  deny {
    actions      = []
#                  ^^ Unsuitable value: The argument "actions" is an empty list. For all write ["*"], and for all applications of all projects ["*/*"].
    applications = []
#                  ^^ Unsuitable value: The argument "applications" is an empty list. For all write ["*"], and for all applications of all projects ["*/*"].
  }
  permit {
# ^^^^^^ Unsupported block type: Blocks of type "permit" are not expected here. In a role block there may be the arguments default, depends_on, description, for_each, groups, inherits, issuers and subjects, and the blocks allow and deny.
  }
}

variable "secret" {
  default   = "hunter2"
  sensitive = true
}

role "secret" {
  groups = [var.secret]
#          ^^^^^^^^^^^^ Sensitive value not allowed here: The argument "groups" would be shown in plans and kept in state, so that it cannot hold a sensitive value. Sensitive values may go into the auth block of a cluster or a repository, into Helm values and into the data of Secret objects; nonsensitive(...) says that a value is no secret.
  allow {
    actions      = ["get"]
    applications = ["*/*"]
  }
}

project "production" {
  role "deployer" {
    groups = ["example:sre"]
    allow {
      actions      = ["get", "plan", "apply"]
      applications = ["*", "production/web-*"]
#                    ^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid pattern: "production/web-*" has a "/", but in a project's role the patterns are of the names of its own applications: write "web-*".
    }
  }
  role "deployer" {
# ^^^^^^^^^^^^^^^ Duplicate role name: The project has two roles called "deployer"; the first is at roles.gantry.hcl:103,3-18.
    groups = ["example:web"]
    allow {
      actions      = ["roll_back"]
#                    ^^^^^^^^^^^^^ Unknown action: There is no action "roll_back". Did you mean "rollback"?
      applications = ["web"]
    }
  }
  role "unowned" {
# ^^^^^^^^^^^^^^ Missing required argument: Nobody has the role. Name its members with "groups" or "subjects", or give it to everybody with default = true.
    allow {
      actions      = ["get"]
      applications = ["*"]
    }
  }
  role "heir" {
# ^^^^^^^^^^^ Missing block: The role says nothing. Add an allow block with what its groups may do.
    groups   = ["example:web"]
    inherits = [role.readers]
#   ^^^^^^^^ Unsupported argument: An argument named "inherits" is not expected here. In a role block there may be the arguments default, description, groups, issuers and subjects, and the blocks allow and deny.
  }
  role {
#      ^ Missing name for role: All role blocks must have 1 labels (name).
  }
}
