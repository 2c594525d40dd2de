repository "example" {
  url = "https://charts.example.com"
}

repository "x" {
  url = "https://github.com/example/x"
}
