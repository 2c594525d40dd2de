repository "config" {
  url = "https://github.com/example/config"
}
