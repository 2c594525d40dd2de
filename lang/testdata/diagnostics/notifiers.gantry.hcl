# Where messages go, and when.

secret "environment" "token" {
  variable = "TOKEN"
}

notifier "slck" "x" {
#        ^^^^^^ Unknown type label: There is no notifier of type "slck"; the types are email, github, gitlab, grafana, mattermost, opsgenie, pagerduty, slack, teams and webhook. Did you mean "slack"?
}

notifier "slack" "ops" {
  token   = secret.environment.token
  api_url = "ftp://slack.example.com"
#           ^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid URL: The argument "api_url" must be an https URL, such as "https://service.example.com".
  channel = "#ops"
# ^^^^^^^ Unsupported argument: An argument named "channel" is not expected here. In a notifier block there may be the arguments api_url, depends_on, for_each, icon, token and username.
}

notifier "slack" "empty" {
  token   = ""
#           ^^ Unsuitable value: The argument "token" must not be empty.
  api_url = "https://user:password@slack.example.com"
#           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Credentials in a URL: The argument "api_url" is shown, so that it cannot hold a password. Use the arguments for credentials.
}

notifier "email" "mail" {
  host     = "mail.example.com"
  port     = 99999
#            ^^^^^ Unsuitable value: The argument "port" must be from 1 to 65535, but is 99999.
  from     = "nobody at all"
#            ^^^^^^^^^^^^^^^ Invalid address: "nobody at all" is no address of e-mail, such as "gantry@example.com".
  tls      = "none"
#            ^^^^^^ Conflicting arguments: Without encryption everyone in between could read the password. Remove one of tls = "none" and password.
  password = "x"
#            ^^^ Missing required argument: The argument "password" needs "username" beside it.
}

notifier "email" "team" {
  host = "mail.example.com"
  from = "gantry@example.com"
  tls  = "ssl"
#        ^^^^^ Unsuitable value: The argument "tls" must be "none", "starttls" or "tls", but is "ssl".
}

notifier "webhook" "audit" {
  url      = "audit.example.com"
#            ^^^^^^^^^^^^^^^^^^^ Invalid URL: The argument "url" must be an https URL, such as "https://service.example.com/hook".
  username = "gantry"
  password = "x"
  token    = "y"
#            ^^^ Conflicting arguments: There is one way to log in, but both password and token are set. Remove one of them.

  header {
    name  = "X Team"
#           ^^^^^^^^ Invalid header: "X Team" is no name of a header: it must consist of letters, digits and "-".
    value = secret.environment.token
  }
}

notifier "webhook" "later" {
  url = secret.environment.token
}

notifier "github" "nothing" {
#^^^^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: It is not said how to log in. Set token, or app_id, installation_id and private_key.
}

notifier "github" "both" {
  token       = "x"
#               ^^^ Conflicting arguments: There is one way to log in, but both private_key and token are set. Remove one of them.
  private_key = "y"
#               ^^^ Missing required argument: The argument "private_key" needs "app_id" beside it.
#               ^^^ Missing required argument: The argument "private_key" needs "installation_id" beside it.
  report      = "check"
#               ^^^^^^^ Unsuitable value: The argument "report" must be "deployment" or "status", but is "check".
}

notifier "pagerduty" "on_call" {
#^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Missing required argument: The notifier block needs the argument "routing_key", a string or secret: the integration key of a service (Events API v2).
  severity = "bad"
#            ^^^^^ Unsuitable value: The argument "severity" must be "critical", "error", "info" or "warning", but is "bad".
}

notifier "opsgenie" "on_call" {
  api_key  = cluster.prod
#            ^^^^^^^^^^^^ Unsuitable value: The argument "api_key" must be a string or a secret, but is cluster.prod.
  priority = "P9"
#            ^^^^ Unsuitable value: The argument "priority" must be "P1", "P2", "P3", "P4" or "P5", but is "P9"; did you mean "P1"?
}

cluster "prod" {
  context = "prod"
}

notifier "mattermost" "chat" {
  api_url = "https://chat.example.com"
  token   = "x"
}

notifier "teams" "chat" {
  url = secret.environment.token
}

notifier "email" "good" {
  host = "mail.example.com"
  from = "Gantry <gantry@example.com>"
}

project "web" {
  notify {
# ^^^^^^ Missing required argument: It is not said to whom messages go. Set recipients, the channels.
    trigger    = trigger.on_sync_failed
    to         = notifier.mattermost.chat
  }
  notify {
    trigger    = trigger.on_deployed
    to         = notifier.teams.chat
    recipients = ["#alerts"]
#                ^^^^^^^^^^^ Conflicting arguments: notifier.teams.chat has one place where messages go, so that there are no recipients. Remove the argument.
  }
  notify {
    trigger    = trigger.on_sync_succeded
#                ^^^^^^^^^^^^^^^^^^^^^^^^ Reference to undeclared block: No trigger "on_sync_succeded" is declared in this configuration. Did you mean trigger.on_sync_succeeded?
    to         = notifier.email.good
    recipients = ["alerts", " ", "team@example.com"]
#                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Invalid address: "alerts" is no address of e-mail, such as "team@example.com".
#                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ Unsuitable value: A recipient is empty.
  }
  notify {
    trigger    = notifier.email.good
#                ^^^^^^^^^^^^^^^^^^^ Unsuitable value: The argument "trigger" must be a reference to a trigger, but is notifier.email.good.
    to         = trigger.on_created
#                ^^^^^^^^^^^^^^^^^^ Unsuitable value: The argument "to" must be a reference to a notifier, but is trigger.on_created.
    recipients = "x"
#                ^^^ Unsuitable value: The argument "recipients" must be a list of strings, but is a string.
  }
}

project "unknown" {
  notify {
    trigger = "on_sync_failed"
#             ^^^^^^^^^^^^^^^^ Unsuitable value: The argument "trigger" must be a reference to a trigger, but is a string; write trigger.NAME without quotes.
    to      = notifier.email
#             ^^^^^^^^^^^^^^ Incomplete reference: The word "notifier.email" must be followed by a name: notifier.email.NAME.
  }
  notify {
# ^^^^^^ Missing required argument: The notify block needs the argument "trigger", a trigger: when a message goes, and what it says: a trigger block, or one of the built-in ones such as `trigger.on_sync_failed`.
    to = notifier.smtp.good
#        ^^^^^^^^^^^^^^^^^^ Reference to undeclared block: There is no type of notifier called "smtp".
  }
}
