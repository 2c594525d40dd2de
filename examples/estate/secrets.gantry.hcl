# Values that are read when they are used, and kept nowhere.
secret "kubernetes" "slack" {
  cluster   = cluster.management
  namespace = "gantry"
  name      = "slack"
  key       = "token"
}

secret "kubernetes" "git" {
  cluster   = cluster.management
  namespace = "gantry"
  name      = "git"
  key       = "token"
}
