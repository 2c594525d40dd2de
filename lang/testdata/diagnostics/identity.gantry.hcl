# Who may vouch for who runs a command.

cluster "production" {
  server = "https://kubernetes.example.com"
}

gantry {
  identity {
    oidc {
      issuer = "https://login.example.com"
    }
    oidc {
#   ^^^^ Duplicate issuer: The issuer https://login.example.com is there twice with the audience "gantry", so that it cannot be told which of the blocks counts. Remove one of them.
      issuer   = "https://login.example.com"
      audience = "gantry"
    }
    oidc {
      issuer = "http://login.example.com"
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid issuer: The issuer's URL has http, so that anybody in between could say who is who. Use https.
    }
    oidc {
      issuer = "login.example.com"
#              ^^^^^^^^^^^^^^^^^^^ Invalid issuer: The issuer is no URL. It is like "https://login.example.com", as in the claim "iss" of its tokens.
    }
    oidc {
      issuer = "https://user:password@login.example.com"
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Credentials in a URL: The issuer's URL has a user name or password, which no issuer has. Remove it.
    }
    oidc {
      issuer = "https://login.example.com/?tenant=1"
#              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid issuer: The issuer's URL has a query or fragment, which no issuer has. Remove what follows the path.
    }
    oidc {
      issuer   = "http://127.0.0.1:5556/dex"
      audience = ""
#                ^^ Unsuitable value: The argument "audience" is empty. Set it, or leave it out.
    }
    oidc {
      issuer          = "https://gitlab.example.com"
      ca_certificate  = "ca.pem"
#                       ^^^^^^^^ Unsuitable value: The argument "ca_certificate" has no certificate in PEM. It is the certificate itself, such as file("ca.pem") gives.
      required_claims = ["a"]
#                       ^^^^^ Unsuitable value: The argument "required_claims" must be a map of strings, but is a list.
      group_claim     = "groups"
#     ^^^^^^^^^^^ Unsupported argument: An argument named "group_claim" is not expected here. Did you mean "groups_claim"?
    }
    oidc {
#   ^^^^ Missing required argument: The oidc block needs the argument "issuer", a string: its URL, letter by letter as in the claim `iss` of its tokens.
      audience = "gantry"
    }
    kubernetes {
      cluster = "production"
#               ^^^^^^^^^^^^ Unsuitable value: The argument "cluster" must be a reference to a cluster, but is a string; write cluster.NAME without quotes.
    }
    kubernetes {
      cluster  = cluster.production
      audience = ""
#                ^^ Unsuitable value: The argument "audience" is empty, and tokens for any audience would count. Set it, or leave it out.
    }
    ssh {
      name = "alice"
      key  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0W3zXWdZH6kF6GkF8OVT+2PpEyeFvAQ1oFzYkUZ5vB alice"
    }
    ssh {
      name = "bob"
      key  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0W3zXWdZH6kF6GkF8OVT+2PpEyeFvAQ1oFzYkUZ5vB bob"
#            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Duplicate SSH key: This key is that of "alice", too, so that it cannot be told who has it. Remove one of the blocks.
    }
    ssh {
      name = ""
#            ^^ Unsuitable value: The argument "name" is empty. Set it to who has the key.
      key  = "ssh-ed25519 nothing"
#            ^^^^^^^^^^^^^^^^^^^^^ Invalid SSH key: The argument "key" is no public key of SSH. It is one line, as in authorized_keys or a file .pub: "ssh-ed25519 AAAA…".
    }
    ssh {
      name = "carol"
      key  = "-----BEGIN OPENSSH PRIVATE KEY-----"
#            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid SSH key: This is a private key, and must not be in a configuration. Remove it, make a new one, and write the public key here, which begins with "ssh-" or "ecdsa-".
    }
    ssh {
      name = "dave"
      key  = "from=\"10.0.0.1\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0W3zXWdZH6kF6GkF8OVT+2PpEyeFvAQ1oFzYkUZ5vC"
#            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid SSH key: There is more than one key, or options are before it. Write one key alone in one block, "ssh-ed25519 AAAA…".
    }
  }
}
