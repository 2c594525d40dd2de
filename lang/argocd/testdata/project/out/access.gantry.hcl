role "ops" {
  groups = ["example:ops", "example:leads"]

  allow {
    actions      = ["*"]
    applications = ["team_a/*"]
  }

  deny {
    actions      = ["destroy"]
    applications = ["*/*"]
  }

  allow {
    actions      = ["action/apps/Deployment/restart"]
    applications = ["*/*"]
  }
}
# the end

role "alice" {
  subjects = ["alice"]

  allow {
    actions      = ["get", "plan"]
    applications = ["team_a/web"]
  }
}

role "readonly" {
  groups = ["example:viewers"]

  allow {
    actions      = ["get", "plan"]
    applications = ["*/*"]
  }
}
