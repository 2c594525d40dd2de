# State at a server.

gantry {
  backend "http" {
    address      = "https://user:password@state.example.com"
#                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Credentials in a URL: The URL is kept in plans, so that it cannot hold a password. Use the arguments for credentials.
    lock_address = "state"
#                  ^^^^^^^ Invalid URL: The argument "lock_address" must be an https URL, such as "https://state.example.com/web".
    username     = "x"
#                  ^^^ Missing required argument: The argument "username" needs "password" beside it.
    lock_method  = "GET"
#                  ^^^^^ Unsuitable value: The argument "lock_method" is LOCK, POST or PUT, and not "GET".
  }
  encryption {
# ^^^^^^^^^^ Missing required argument: It is not said how to encrypt. Set recipients or key.
  }
  protection {
# ^^^^^^^^^^ Missing required argument: The protection says nothing. Set branches or max_destroyed, or add an approvals block.
  }
}
