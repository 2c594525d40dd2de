# Who hears of what: subscriptions of applications, and what triggers say for services.

secret "environment" "slack" {
  variable = "SLACK"
}

variable "password" {
  default   = "hunter2"
  sensitive = true
}

cluster "prod" {
  context = "prod"
}

notifier "slack" "ops" {
  token = secret.environment.slack
}
notifier "webhook" "one" {
  url = "https://hooks.example.com/one"
}
notifier "webhook" "two" {
  url = "https://hooks.example.com/two"
}

trigger "mine" {
  when    = app.health.status == "degraded"
  message = "${app.name} is degraded"

  slack {
    thread = app.operation.began_at
#                         ^^^^^^^^^ Unsupported attribute: This object does not have an attribute named "began_at". It has automated, by, finished_at, message, phase and started_at.
    colour = "red"
#   ^^^^^^ Unsupported argument: An argument named "colour" is not expected here. In a slack block there may be the arguments attachments, blocks, broadcast, delivery and thread.
  }
  email {
    html = "<b>${var.password}</b>"
#                ^^^^^^^^^^^^ Sensitive value not allowed here: What this expression comes to is shown in plans and messages, so that it cannot use a sensitive value. nonsensitive(...) in a local value says that a value is no secret.
  }
  pager {}
# ^^^^^ Unsupported block type: Blocks of type "pager" are not expected here. In a trigger block there may be the arguments depends_on, for_each, message, once_per and when, and the blocks email, github, gitlab, grafana, mattermost, opsgenie, pagerduty, slack, teams and webhook.
}

application "good" {
  annotations = {
    "notifications.argoproj.io/subscribe.mine.slack"                 = "alerts"
    "notifications.argoproj.io/subscribe.on-sync-failed.webhook.two" = ""
    "example.com/other"                                              = "x"
  }
  notify {
    trigger    = trigger.on_deployed
    to         = notifier.slack.ops
    recipients = ["#alerts"]
  }
  notify {
# ^^^^^^ Missing required argument: It is not said to whom messages go. Set recipients, the channels.
    trigger = trigger.on_deployed
    to      = notifier.slack.ops
  }
  source { path = "x" }
  destination { cluster = cluster.prod }
}

application "bad" {
#^^^^^^^^^^^^^^^^ Subscription cannot be followed: The annotation "notifications.argoproj.io/subscribe.on-deployed" does not name a trigger and a service, such as "notifications.argoproj.io/subscribe.on-sync-failed.slack".
#^^^^^^^^^^^^^^^^ Subscription cannot be followed: The annotation "notifications.argoproj.io/subscribe.on-deployed.slack" does not say to whom messages go: its value must be the channels.
#^^^^^^^^^^^^^^^^ Subscription cannot be followed: There is no trigger "on_sync_faild". There are on_created, on_deleted, on_deployed, on_health_degraded, on_sync_failed, on_sync_running, on_sync_status_unknown, on_sync_succeeded.
#^^^^^^^^^^^^^^^^ Subscription cannot be followed: There is no notifier for "discord". There are notifier.slack.ops, notifier.webhook.one, notifier.webhook.two.
#^^^^^^^^^^^^^^^^ Subscription cannot be followed: There are several notifiers of the type "webhook". Name one of them: "webhook.one".
  annotations = {
    "notifications.argoproj.io/subscribe.on-sync-faild.slack"     = "alerts"
    "notifications.argoproj.io/subscribe.on-sync-failed.discord"  = "alerts"
    "notifications.argoproj.io/subscribe.on-sync-failed.webhook"  = ""
    "notifications.argoproj.io/subscribe.on-deployed.slack"       = " ; "
    "notifications.argoproj.io/subscribe.on-deployed"             = "alerts"
  }
  source { path = "x" }
  destination { cluster = cluster.prod }
}
