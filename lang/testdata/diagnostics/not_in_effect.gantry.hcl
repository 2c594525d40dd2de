# What is checked and kept, and does nothing yet.

repository "signed" {
  url = "https://git.example.com/config"
  verify {
# ^^^^^^ warning: Not in effect yet: This version of gantry reads and checks the verify block of repository.signed, and no more. Signatures are not looked at: whoever can write to the repository decides what is applied.
    ssh_keys = ["# release\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA release"]
  }
}

application "web" {
  source {
    repository = repository.signed
  }
  destination {
    cluster = cluster.prod
  }
}

import {
  to       = application.web
  selector = "app=web,tier!=test"
}

cluster "prod" {
  context = "prod"
}
