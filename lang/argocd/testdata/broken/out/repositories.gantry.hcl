repository "a" {
  url = "https://github.com/example/a"
}
