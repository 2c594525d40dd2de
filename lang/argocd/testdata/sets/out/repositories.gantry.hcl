repository "guestbook" {
  url = "https://github.com/example/guestbook"
}

repository "config" {
  url = "https://github.com/example/config"
}

repository "merged" {
  url = "https://github.com/example/merged"
}
