generator "list" "maker" {
  elements = { made = { name = "made" } }
}
