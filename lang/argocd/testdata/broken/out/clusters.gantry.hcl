cluster "x" {
  context = "x"
}
