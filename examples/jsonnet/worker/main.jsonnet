local deployment = import 'deployment.libsonnet';

function(replicas=1) [
  deployment('worker', 'registry.example.com/worker:v3') {
    metadata+: { labels: { team: std.extVar('team') } },
    spec+: { replicas: replicas },
  },
]
