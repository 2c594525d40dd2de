repository "web" {
  url = "https://github.com/example/web"
}
