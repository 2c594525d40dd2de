# What had no effect in earlier versions has one now: nothing warns of it.

repository "signed" {
  url = "https://git.example.com/config"
  verify {
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
