# Roles that are about projects that there are not.

project "production" {
}

role "sre" {
  groups = ["example:sre"]
  allow {
    actions      = ["*"]
    applications = ["*/*", "/web", "production/*", "prod*/web"]
  }
  deny {
# ^^^^ warning: Unknown project: There is no project "prodution", so that "prodution/*" is about no application. Did you mean "production"?
    actions      = ["destroy"]
    applications = ["prodution/*"]
  }
  deny {
# ^^^^ warning: Unknown project: There is no project "elsewhere", so that "elsewhere/web" is about no application.
    actions      = ["state"]
    applications = ["elsewhere/web"]
  }
}
