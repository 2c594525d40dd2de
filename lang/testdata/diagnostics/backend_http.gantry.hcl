# State at a server, one day.

gantry {
  backend "http" {
# ^^^^^^^^^^^^^^ Unsupported backend: State cannot be kept in a backend of type "http" in this version of gantry, only in local. Nothing is planned or applied, for that would be with the wrong state. Use a backend "local", and mind that it is on one machine.
    address      = "https://user:password@state.example.com"
#                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Credentials in a URL: The URL is kept in plans, so that it cannot hold a password. Use the arguments for credentials.
    lock_address = "state"
#                  ^^^^^^^ Invalid URL: The argument "lock_address" must be an https URL, such as "https://state.example.com/web".
    username     = "x"
#                  ^^^ Missing required argument: The argument "username" needs "password" beside it.
  }
  encryption {
# ^^^^^^^^^^ Missing required argument: It is not said how to encrypt. Set recipients or key.
  }
  protection {
# ^^^^^^^^^^ Missing required argument: The protection says nothing. Set branches or max_destroyed, or add an approvals block.
  }
}
