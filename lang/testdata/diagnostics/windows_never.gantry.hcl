# Sync windows that never let anything run.

cluster "prod" {
  context = "prod"
  labels  = { region = "eu" }
}

project "frozen" {
  sync_window {
# ^^^^^^^^^^^ warning: Sync that no window lets run: There is no time at which the sync windows of project.frozen let application.api and application.web be synced: one that allows must be open, and none that denies. Change the schedules, or for which applications the windows are.
    kind     = "allow"
    schedule = "0 10 * * 1-5"
    duration = "2h"
  }
  sync_window {
    kind         = "deny"
    schedule     = "0 9 * * *"
    duration     = "8h"
    applications = ["web", "api"]
  }
  sync_window {
    kind     = "deny"
    schedule = "0 0 31 4 *"
#              ^^^^^^^^^^^^ warning: Sync window without effect: The window never opens: there is no day on which the schedule comes, such as a 30th of February.
    duration = "1h"
  }
}

project "by_hand" {
  sync_window {
# ^^^^^^^^^^^ warning: Automated sync that no window lets run: There is no time at which the sync windows of project.by_hand let application.automated be synced but by a person, so that "automated" has no effect. Change the schedules, or for which applications the windows are.
    kind        = "deny"
    schedule    = "0 0 * * *"
    duration    = "24h"
    time_zone   = "Europe/Berlin"
    labels      = { tier = "web" }
    clusters    = [cluster.prod]
    match       = "all"
    manual_sync = true
  }
}

application "web" {
  project = project.frozen
  source { path = "x" }
  destination { cluster = cluster.prod }
}

application "api" {
  project = project.frozen
  source { path = "x" }
  destination { cluster = cluster.prod }
}

application "other" {
  project = project.frozen
  source { path = "x" }
  destination { cluster = cluster.prod }
}

application "automated" {
  project = project.by_hand
  labels  = { tier = "web" }
  source { path = "x" }
  destination { cluster = cluster.prod }
  sync {
    automated {}
  }
}

application "manual" {
  project = project.by_hand
  labels  = { tier = "web" }
  source { path = "x" }
  destination { cluster = cluster.prod }
}

application "unlabelled" {
  project = project.by_hand
  source { path = "x" }
  destination { cluster = cluster.prod }
  sync {
    automated {}
  }
}
