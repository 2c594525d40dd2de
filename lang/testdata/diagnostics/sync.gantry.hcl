# How an application is kept in sync.

cluster "prod" {
  context = "prod"
}

profile "slow" {
  sync {
    server_side_apply = false
#                       ^^^^^ warning: Argument without effect: server_side_apply is false, and is passed over. Objects are applied by the server. To write an object whole instead, set replace.
  }
}

application "web" {
  profiles = [profile.slow]
  source {
    path = "web"
  }
  destination {
    cluster = cluster.prod
  }
  sync {
    prune                      = "never"
#                                ^^^^^^^ Unsuitable value: The argument "prune" must be "confirm", "false" or "true", but is "never".
    apply_out_of_sync_only     = false
#                                ^^^^^ warning: Argument without effect: apply_out_of_sync_only is false, and is passed over. A plan never sends objects that do not change.
    respect_ignore_differences = false
#                                ^^^^^ warning: Argument without effect: respect_ignore_differences is false, and is passed over. Fields of ignore_differences are left to others, whatever else of their object changes. To write them, take them out of ignore_differences.
    client_side_apply_migrate  = true
#   ^^^^^^^^^^^^^^^^^^^^^^^^^ Unsupported argument: An argument named "client_side_apply_migrate" is not expected here. Did you mean "client_side_apply_migration"?
    retry {
      limit  = -1
#              ^^ Unsuitable value: The argument "limit" must be a whole number from 0 to 2147483647, but is -1.
      factor = -2
#              ^^ Unsuitable value: The argument "factor" must be a whole number from 0 to 2147483647, but is -2.
    }
    timeout {
      kinds = ["Job", "a/b/c", ""]
#             ^^^^^^^^^^^^^^^^^^^^ Invalid timeout: "a/b/c" names no kind. Write a kind, with its group in front where it matters: "Job", "batch/Job", "*.example.com/*".
#             ^^^^^^^^^^^^^^^^^^^^ Invalid timeout: "" names no kind. Write a kind, with its group in front where it matters: "Job", "batch/Job", "*.example.com/*".
      after = "1m"
    }
    timeout {
      kinds = []
#             ^^ Invalid timeout: kinds is empty: name the kinds that the time is for, or "*" for all.
      after = "soon"
#             ^^^^^^ Unsuitable value: The argument "after" must be a duration such as "30s", "5m" or "1h30m", but is "soon".
    }
  }
}
