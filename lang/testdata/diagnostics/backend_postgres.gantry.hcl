# State in a database.

variable "url" {
  default   = "postgres://gantry:password@db.example.com/gantry"
  sensitive = true
}

gantry {
  backend "postgres" {
    url    = var.url
    schema = var.url
#            ^^^^^^^ Sensitive value not allowed here: The argument "schema" would be shown in plans and kept in state, so that it cannot hold a sensitive value. Sensitive values may go into the auth block of a cluster or a repository, into Helm values and into the data of Secret objects; nonsensitive(...) says that a value is no secret.
  }
  encryption {
    recipients = []
#                ^^ Unsuitable value: The argument "recipients" is an empty list. Nobody could read the state.
    key        = null
  }
}
