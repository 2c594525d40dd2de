# Where more than one vouches for people, a role says who of them must.

gantry {
  identity {
    oidc {
      issuer = "https://login.example.com"
    }
    oidc {
      issuer   = "https://login.example.com"
      audience = "other"
    }
    oidc {
      issuer = "https://ci.example.com"
    }
  }
}

role "sre" {
#^^^^^^^^^ Missing required argument: There is more than one who vouches for people, and what one of them calls a group, or a subject, another may give to somebody else. Say with "issuers" who must vouch for those who have the role: of "https://ci.example.com", "https://login.example.com".
  groups = ["example:sre"]

  allow {
    actions      = ["get"]
    applications = ["*/*"]
  }
}

role "ci" {
  subjects = ["deploy"]
  issuers  = ["https://ci.example.com"]

  allow {
    actions      = ["apply"]
    applications = ["*/*"]
  }
}

role "everybody" {
  default = true

  allow {
    actions      = ["get"]
    applications = ["*/*"]
  }
}

project "web" {
  role "deployer" {
# ^^^^^^^^^^^^^^^ Missing required argument: There is more than one who vouches for people, and what one of them calls a group, or a subject, another may give to somebody else. Say with "issuers" who must vouch for those who have the role: of "https://ci.example.com", "https://login.example.com".
    groups = ["web"]

    allow {
      actions      = ["apply"]
      applications = ["*"]
    }
  }
}
