project "web" {
  destination {
    clusters   = [cluster.in_cluster]
    namespaces = ["web"]
  }

  notify {
    trigger    = trigger.done
    to         = notifier.slack.slack
    recipients = ["#web-channel", "#other"]
  }

  notify {
    trigger    = trigger.done
    to         = notifier.email.gmail
    recipients = ["web@example.com"]
  }

  notify {
    trigger = trigger.done
    to      = notifier.opsgenie.your_team
  }

  notify {
    trigger = trigger.done
    to      = notifier.opsgenie.other_team
  }

  notify {
    trigger = trigger.done
    to      = notifier.pagerduty.my_service
  }

  notify {
    trigger = trigger.done
    to      = notifier.teams.channelName
  }

  notify {
    trigger = trigger.done
    to      = notifier.teams.other_channel
  }

  notify {
    trigger = trigger.done
    to      = notifier.webhook.audit
  }

  notify {
    trigger = trigger.done
    to      = notifier.grafana.grafana
  }

  notify {
    trigger = trigger.done
    to      = notifier.github.github
  }

  notify {
    trigger    = trigger.done
    to         = notifier.mattermost.mattermost
    recipients = ["a1b2c3"]
  }
}
