role "ops" {
  groups = ["example:ops"]

  allow {
    actions      = ["*"]
    applications = ["team_a/*"]
  }

  deny {
    actions      = ["destroy"]
    applications = ["*/*"]
  }

  allow {
    actions      = ["action/restart"]
    applications = ["*/*"]
  }
}
# the end

role "lead" {
  groups = ["example:leads"]

  allow {
    actions      = ["*"]
    applications = ["team_a/*"]
  }

  deny {
    actions      = ["destroy"]
    applications = ["*/*"]
  }

  allow {
    actions      = ["action/restart"]
    applications = ["*/*"]
  }
}

role "alice" {
  groups = ["alice"]

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
