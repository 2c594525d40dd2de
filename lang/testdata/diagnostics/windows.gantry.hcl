# Sync windows that cannot be read.

project "windows" {
  sync_window {
    kind     = "Allow"
#              ^^^^^^^ Unsuitable value: The argument "kind" must be "allow" or "deny", but is "Allow"; did you mean "allow"?
    schedule = "0 9 * * 1-7"
#              ^^^^^^^^^^^^^ Invalid schedule: "0 9 * * 1-7" is no schedule: "7" is no day of the week: it must be from 0 to 6 or SUN to SAT; Sunday is 0.
    duration = "0s"
#              ^^^^ Unsuitable value: A window that is open for no time has no effect. Set how long it is open, such as "8h".
  }
  sync_window {
    kind      = "deny"
    schedule  = "@daily"
#               ^^^^^^^^ Invalid schedule: "@daily" is no schedule: words such as "@daily" are not known; write the five fields minute, hour, day of month, month and day of week, such as "0 9 * * 1-5".
    duration  = "1 hour"
#               ^^^^^^^^ Unsuitable value: The argument "duration" must be a duration such as "30s", "5m" or "1h30m", but is "1 hour".
    time_zone = "Europe/Berlni"
#               ^^^^^^^^^^^^^^^ Unknown time zone: There is no time zone called "Europe/Berlni". Did you mean "Europe/Berlin"?
  }
  sync_window {
    kind      = "deny"
    schedule  = "0 0 9 * * *"
#               ^^^^^^^^^^^^^ Invalid schedule: "0 0 9 * * *" is no schedule: it has six fields, and seconds are not supported; the five are minute, hour, day of month, month and day of week.
    duration  = "-1h"
#               ^^^^^ Unsuitable value: The argument "duration" must be a duration such as "30s", "5m" or "1h30m", but is "-1h".
    time_zone = "Local"
#               ^^^^^^^ Unknown time zone: There is no time zone called "Local". Write it as the IANA database has it, such as "Europe/Berlin" or "UTC".
  }
  sync_window {
    kind      = "allow"
    schedule  = "TZ=UTC 0 9 * * *"
#               ^^^^^^^^^^^^^^^^^^ Invalid schedule: "TZ=UTC 0 9 * * *" is no schedule: the time zone is an argument of its own: time_zone.
    duration  = "8h"
    time_zone = ""
#               ^^ Unknown time zone: There is no time zone called "". Write it as the IANA database has it, such as "Europe/Berlin" or "UTC".
  }
  sync_window {
    kind         = "allow"
    schedule     = "60 9 * * *"
#                  ^^^^^^^^^^^^ Invalid schedule: "60 9 * * *" is no schedule: "60" is no minute: it must be from 0 to 59.
    duration     = "8h"
    time_zone    = "europe/berlin"
#                  ^^^^^^^^^^^^^^^ Unknown time zone: There is no time zone called "europe/berlin". Did you mean "Europe/Berlin"?
    applications = []
#                  ^^ Unsuitable value: The argument "applications" is an empty list. The window would be for none; without the argument it is not asked.
    namespaces   = ["!web"]
#                  ^^^^^^^^ Invalid pattern: "!web" begins with "!", but this list names what is meant, and nothing can be taken out of it.
    clusters     = [cluster.prod, "[a"]
#                  ^^^^^^^^^^^^^^^^^^^^ Invalid pattern: "[a" is no pattern: unexpected end of input. In a pattern * is any text, ? any character, [ab] one of several characters and {a,b} one of several texts.
    labels       = ["tier"]
#                  ^^^^^^^^ Unsuitable value: The argument "labels" must be a map of strings, but is a list.
    match        = "both"
#                  ^^^^^^ Unsuitable value: The argument "match" must be "all" or "any", but is "both".
  }
  sync_window {
# ^^^^^^^^^^^ Missing required argument: The sync_window block needs the argument "kind", a string: whether the window allows or denies.
# ^^^^^^^^^^^ Missing required argument: The sync_window block needs the argument "duration", a duration: how long it is open.
    schedule = "0 9 * *"
#              ^^^^^^^^^ Invalid schedule: "0 9 * *" is no schedule: it has 4 fields, and must have five: minute, hour, day of month, month and day of week, such as "0 9 * * 1-5".
  }
  sync_window {
    kind     = "allow"
    schedule = "*/0 9 * * MONDAY"
#              ^^^^^^^^^^^^^^^^^^ Invalid schedule: "*/0 9 * * MONDAY" is no schedule: in "*/0", the step after "/" must be a whole number from 1.
    duration = 8
#              ^ Unsuitable value: The argument "duration" must be a duration such as "30s", "5m" or "1h30m", but is a number.
  }
}

cluster "prod" {
  context = "prod"
}
