# Credentials for all repositories below a prefix.

credentials "good" {
  url_prefix = "https://git.example.com/team/"
  auth {
    token = secret.environment.token
  }
}

credentials "twice" {
  url_prefix = "https://GIT.example.com:443/team"
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Duplicate credentials: credentials.twice and credentials.good (credentials.gantry.hcl:4,16-47) are for the same prefix, so that it is not known which to use. Remove one of them, or make one of the prefixes longer.
  auth {
    token = "x"
  }
}

credentials "nothing" {
#^^^^^^^^^^^^^^^^^^^^ Missing required argument: The credentials block needs the argument "url_prefix", a string: how the URLs begin: `https://git.example.com/team/`, `git@git.example.com:team/`, `oci://registry.example.com/charts/`.
#^^^^^^^^^^^^^^^^^^^^ Missing block: The credentials block needs an auth block: how to log in.
}

credentials "local" {
  url_prefix = "./team"
#              ^^^^^^^^ Invalid URL: The prefix cannot be used: it must be the beginning of the URLs of repositories, such as "https://git.example.com/team/", "git@git.example.com:team/" or "oci://registry.example.com/charts/".
  auth {
    token = "x"
  }
}

credentials "password" {
  url_prefix = "https://user:password@git.example.com/"
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Credentials in a URL: A prefix is shown in messages, so that it cannot hold a password or token. Put it into the auth block.
  auth {
    token = "x"
  }
}

credentials "says_nothing" {
  url_prefix = "https://other.example.com/"
  auth {
# ^^^^ Empty auth block: It says nothing of how to log in. Set token, username and password, ssh_key, or client_certificate and client_key.
    known_hosts = "x"
  }
}

credentials "two_ways" {
  url_prefix = "https://another.example.com/"
  auth {
    username = "x"
    password = "y"
    token    = "z"
#              ^^^ Conflicting arguments: There is one way to log in, but both password and token are set. Remove one of them.
  }
}

credentials "type" {
  url_prefix = ["https://another.example.com/"]
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unsuitable value: The argument "url_prefix" must be a string, but is a list.
  auth {
    token = cluster.prod
#           ^^^^^^^^^^^^ Unsuitable value: The argument "token" must be a string or a secret, but is cluster.prod.
  }
}

secret "environment" "token" {
  variable = "TOKEN"
}

cluster "prod" {
  context = "prod"
}
