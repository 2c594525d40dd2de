# Roles that nobody has.

role "alone" {
#^^^^^^^^^^^ Missing required argument: Nobody has the role. Name its members with "groups" or "subjects", or give it to everybody with default = true.
  allow {
    actions      = ["get"]
    applications = ["*/*"]
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
  inherits = [role.readers]
}
