# A file that cannot be parsed to its end.

cluster "prod" {
  context = "prod
#                ^ Invalid multi-line string: Quoted strings may not be split over multiple lines. To produce a multi-line string, either use the \n escape to represent a newline character or use the "heredoc" multi-line template syntax.
#                ^ Unterminated template string: No closing marker was found for the string.
}

application "web" {
  source {
    path = "x"
  }
  destination {
    cluster = cluster.prod
  }
}
