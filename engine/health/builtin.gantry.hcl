# The library of health rules: how objects of well-known kinds show that they are
# healthy. A health block in your own configuration, for the same kind or a pattern of
# it, counts instead of the one here. How rules are written and found: docs/health.md.
#
# The kinds that Kubernetes itself has are checked in Go, beside this file. A kind that
# is nowhere is judged by the conventions for status.
#
# The statuses are those that Argo CD gives these kinds, so that nobody who comes from
# there is surprised.

# ------------------------------------------------------------------ one condition
# Most controllers sum all up in one condition: true is healthy, false is degraded, and
# while it says neither, work is under way.

health "cert-manager.io/{Issuer,ClusterIssuer}" {
  also = [
    "certmanager.k8s.io/{Issuer,ClusterIssuer,Certificate}",
    "external-secrets.io/{ExternalSecret,PushSecret,SecretStore,ClusterSecretStore}",
    "karpenter.k8s.aws/EC2NodeClass",
    "karpenter.sh/NodePool",
    "onepassword.com/OnePasswordItem",
    "camel.apache.org/Integration",
    "astra.netapp.io/Application",
    "grafana-org-operator.kubitus-project.gitlab.io/*",
  ]
  healthy  = condition("Ready").status == "True"
  degraded = condition("Ready").status == "False"
  message  = condition("Ready").message
}

health "bitnami.com/SealedSecret" {
  healthy  = condition("Synced").status == "True"
  degraded = condition("Synced").status == "False"
  message  = condition("Synced").message
}

health "coralogix.com/{Alert,RecordingRuleGroupSet}" {
  healthy  = condition("RemoteSynced").status == "True"
  degraded = condition("RemoteSynced").status == "False"
  message  = condition("RemoteSynced").message
}

health "addons.cluster.x-k8s.io/ClusterResourceSet" {
  healthy  = condition("ResourcesApplied").status == "True"
  degraded = condition("ResourcesApplied").status == "False"
  message  = condition("ResourcesApplied").message
}

health "argoproj.io/EventBus" {
  healthy  = condition("Deployed").status == "True"
  degraded = condition("Deployed").status == "False"
  message  = condition("Deployed").message
}

# What is not said to be ready, is not: here the condition has no third state.
health "k8s.mariadb.com/{Database,Grant,User}" {
  healthy  = condition("Ready").status == "True"
  degraded = condition("Ready").exists && condition("Ready").status != "True"
  message  = condition("Ready").message
}

# ------------------------------------------------------------------ one phase
# Others name the state they are in.

health "acid.zalan.do/postgresql" {
  status = lookup({ Running = "healthy", Creating = "progressing", Updating = "progressing", "" = "progressing" },
  field("status.PostgresClusterStatus", ""), "degraded")
  message = field("status.PostgresClusterStatus", "")
}

health "{clickhouse,clickhouse-keeper}.altinity.com/*" {
  status  = lookup({ Completed = "healthy", InProgress = "progressing", "" = "progressing" }, field("status.status", ""), "degraded")
  message = field("status.status", "")
}

health "core.humio.com/*" {
  status = lookup({ Exists = "healthy", Running = "healthy", NotFound = "missing", ConfigError = "degraded", Unknown = "unknown" },
  field("status.state", ""), "progressing")
}

health "iammanager.keikoproj.io/Iamrole" {
  healthy  = field("status.state") == "Ready"
  degraded = contains(["Error", "RolesMaxLimitReached", "PolicyNotAllowed", "RoleNameNotAvailable"], field("status.state", ""))
  message  = field("status.errorDescription", "")
}

health "jaegertracing.io/Jaeger" {
  healthy  = field("status.phase") == "Running"
  degraded = field("status.phase") == "Failed"
}

health "lifecycle.keptn.sh/{KeptnAppVersion,KeptnTask,KeptnWorkloadInstance,KeptnWorkloadVersion}" {
  healthy  = field("status.status") == "Succeeded"
  degraded = field("status.status") == "Failed"
}

health "lifecycle.keptn.sh/KeptnEvaluation" {
  healthy  = field("status.overallStatus") == "Succeeded"
  degraded = field("status.overallStatus") == "Failed"
}

health "objectbucket.io/ObjectBucketClaim" {
  healthy  = field("status.phase") == "Bound"
  degraded = field("status.phase") == "Failed"
}

health "platform.confluent.io/{Connect,ControlCenter,Kafka,KafkaRestProxy,KRaftController,KsqlDB,SchemaRegistry,Zookeeper}" {
  healthy = field("status.phase") == "RUNNING"
}

health "trident.netapp.io/TridentBackendConfig" {
  healthy  = field("status.phase") == "Bound" && field("status.lastOperationStatus") == "Success"
  degraded = field("status.lastOperationStatus") == "Failed"
}

health "trident.netapp.io/TridentOrchestrator" {
  healthy  = field("status.status") == "Installed"
  degraded = contains(["Failed", "Error"], field("status.status", ""))
}

health "tower.ansible.com/AnsibleJob" {
  healthy  = field("status.ansibleJobResult.status") == "successful"
  degraded = contains(["failed", "error", "canceled"], field("status.ansibleJobResult.status", ""))
  message  = "the job is ${field("status.ansibleJobResult.status", "not started")}"
}

health "core.gardener.cloud/Shoot" {
  status = lookup({ healthy = "healthy", unhealthy = "degraded", unknown = "unknown" },
  field("metadata.labels[\"shoot.gardener.cloud/status\"]", ""), "progressing")
}

health "install.istio.io/IstioOperator" {
  status = lookup({
    "0" = "unknown", NONE = "unknown", "3" = "healthy", HEALTHY = "healthy", "4" = "degraded", ERROR = "degraded",
  }, tostring(field("status.status", "")), "progressing")
}

# ------------------------------------------------------------------ NetApp Astra

health "astra.netapp.io/AppVault" {
  healthy  = lower(field("status.state", "")) == "available"
  degraded = lower(field("status.state", "")) == "failed"
}

health "astra.netapp.io/{Backup,ExecHooksRun,ResourceBackup,ResourceRestore,ResticVolumeBackup,Snapshot}" {
  status = lookup({ Completed = "healthy", Running = "progressing", "" = "progressing" }, field("status.state", ""), "degraded")
}

health "astra.netapp.io/ExecHook" {
  healthy   = field("spec.enabled") == true
  suspended = field("spec.enabled") == false
}

# A schedule does its work by being there.
health "astra.netapp.io/Schedule" {
  healthy = true
}

# ------------------------------------------------------------------ 3scale

health "capabilities.3scale.net/*" {
  healthy   = condition("Ready").status == "True" || condition("Synced").status == "True"
  degraded  = anytrue([for type in ["Invalid", "Orphan", "Failed"] : condition(type).status == "True"])
  suspended = condition("Waiting").status == "True"
}

health "capabilities.3scale.net/DeveloperUser" {
  status = (
    field("status.developerUserState") == "suspended" ? "suspended" :
    anytrue([for type in ["Invalid", "Orphan", "Failed"] : condition(type).status == "True"]) ? "degraded" :
    condition("Ready").status == "True" ? "healthy" : "progressing"
  )
}

# An application that 3scale knows, by its id, is only waited for.
health "capabilities.3scale.net/Application" {
  status = (
    field("status.state") == "suspended" ? "suspended" :
    condition("Ready").status == "True" ? "healthy" :
    condition("Ready").exists && !try(field("status.adminId", 0) > 0, false) ? "degraded" : "progressing"
  )
}

health "capabilities.3scale.net/Tenant" {
  healthy  = condition("Ready").status == "True" && try(field("status.tenantId", 0) > 0 && field("status.adminId", 0) > 0, false)
  degraded = condition("Ready").exists && condition("Ready").status != "True"
}

health "apps.3scale.net/APIManager" {
  status = (
    has("status.deployments.ready") && !has("status.deployments.starting") && !has("status.deployments.stopped") ? "healthy" :
    condition("Available").status == "True" ? "healthy" :
    condition("Available").reason != "" ? "degraded" : "progressing"
  )
}

# ------------------------------------------------------------------ clouds: Config Connector, ACK, Crossplane

health "*.cnrm.cloud.google.com/*" {
  healthy   = observed() && (field("status.healthy") == true || anytrue([for c in conditions() : c.reason == "UpToDate" && c.status == "True"]))
  degraded  = observed() && (field("status.healthy") == false || anytrue([for c in conditions() : contains(["UpdateFailed", "DependencyNotFound"], c.reason)]))
  suspended = observed() && anytrue([for c in conditions() : c.reason == "DependencyNotReady"])
}

health "*.services.k8s.aws/*" {
  healthy  = condition("Ready").status == "True"
  degraded = condition("ACK.Terminal").status == "True"
}

# A resource whose reconciliation someone has paused is suspended; any other that is not
# synced is degraded.
health "*.crossplane.io/*" {
  also      = ["*.upbound.io/*"]
  healthy   = anytrue([for type in ["Ready", "Healthy", "Offered", "Established", "ValidPipeline", "RevisionHealthy"] : condition(type).status == "True"])
  suspended = condition("Synced").status == "False" && condition("Synced").reason == "ReconcilePaused"
  degraded = (
    condition("Synced").status == "False" && condition("Synced").reason != "ReconcilePaused" ||
    condition("LastAsyncOperation").status == "False"
  )
}

# The community's AWS provider: what is neither ready and synced, nor on its way, is not
# as it should be.
health "{cloudfront,iam,rds,route53,s3}.aws.crossplane.io/{Distribution,Policy,Role,RolePolicyAttachment,DBCluster,DBInstance,ResourceRecordSet,Bucket}" {
  healthy   = condition("Ready").status == "True" && condition("Synced").status == "True"
  suspended = condition("Synced").status != "True" && condition("Synced").reason == "ReconcilePaused"
  degraded  = length(conditions()) > 0 && condition("Synced").status != "True" && condition("Synced").reason != "ReconcilePaused"
}

# These say nothing of themselves.
health "*.crossplane.io/{Composition,CompositionRevision,EnvironmentConfig,*Config,ProviderConfigUsage,ClusterProviderConfigUsage}" {
  also     = ["*.upbound.io/{*ProviderConfig,*ProviderConfigUsage,StoreConfig}"]
  degraded = condition("Synced").status == "False"
  healthy  = alltrue([for c in conditions() : c.status != "False"])
}

health "pkg.crossplane.io/Provider" {
  healthy  = condition("Installed").status == "True" && condition("Healthy").status == "True"
  degraded = length(conditions()) > 0 && !(condition("Installed").status == "True" && condition("Healthy").status == "True")
}

health "stacks.crossplane.io/ClusterStackInstall" {
  healthy = anytrue([for c in conditions("status.conditionedStatus.conditions") : c.type == "Ready" && c.status == "True"])
}

# ------------------------------------------------------------------ OpenKruise

health "apps.kruise.io/AdvancedCronJob" {
  status = (
    length(field("status.active", [])) > 0 ? "progressing" :
    has("status.lastScheduleTime") ? "healthy" :
    field("spec.paused") == true ? "suspended" : "degraded"
  )
}

health "apps.kruise.io/BroadcastJob" {
  healthy   = field("status.phase") == "completed" && field("status.desired") == field("status.succeeded")
  degraded  = field("status.phase") == "failed" && field("status.failed") != 0
  suspended = field("status.phase") == "paused" && field("spec.paused") == true
}

# What is updated up to its partition waits for someone.
health "apps.kruise.io/CloneSet" {
  status = (
    !has("status") || field("metadata.generation") != field("status.observedGeneration") ? "progressing" :
    field("spec.updateStrategy.paused") == true || !has("status.updatedAvailableReplicas") ? "suspended" :
    field("spec.updateStrategy.partition", 0) != 0 && field("metadata.generation", 1) > 1 ?
    field("status.updatedReplicas", 0) >= field("status.expectedUpdatedReplicas", 0) ? "suspended" : "progressing" :
    field("status.updatedAvailableReplicas") == field("status.replicas") ? "healthy" : "degraded"
  )
  message = "${field("status.updatedAvailableReplicas", 0)} of ${field("status.replicas", 0)} replicas are updated and available"
}

health "apps.kruise.io/StatefulSet" {
  status = (
    !has("status") || field("metadata.generation") != field("status.observedGeneration") ? "progressing" :
    field("spec.updateStrategy.rollingUpdate.paused") == true || !has("status.updatedAvailableReplicas") ? "suspended" :
    field("spec.updateStrategy.rollingUpdate.partition", 0) != 0 && field("metadata.generation", 1) > 1 ?
    try(field("status.updatedReplicas", 0) > field("status.replicas", 0) - field("spec.updateStrategy.rollingUpdate.partition"), false) ? "suspended" : "progressing" :
    field("status.updatedAvailableReplicas") == field("status.replicas") ? "healthy" : "degraded"
  )
  message = "${field("status.updatedAvailableReplicas", 0)} of ${field("status.replicas", 0)} replicas are updated and available"
}

health "apps.kruise.io/DaemonSet" {
  status = (
    !has("status") || field("metadata.generation") != field("status.observedGeneration") ? "progressing" :
    field("spec.updateStrategy.rollingUpdate.paused") == true || !has("status.updatedNumberScheduled") ? "suspended" :
    field("spec.updateStrategy.rollingUpdate.partition", 0) != 0 && field("metadata.generation", 1) > 1 ?
    try(field("status.updatedNumberScheduled") > field("status.desiredNumberScheduled", 0) - field("spec.updateStrategy.rollingUpdate.partition"), false) ? "suspended" : "progressing" :
    field("status.updatedNumberScheduled") != field("status.desiredNumberScheduled") ? "progressing" :
    field("status.numberAvailable") == field("status.desiredNumberScheduled") ? "healthy" :
    field("status.numberUnavailable") == field("status.desiredNumberScheduled") ? "degraded" : "progressing"
  )
  message = "${field("status.numberAvailable", 0)} of ${field("status.desiredNumberScheduled", 0)} pods are available"
}

health "rollouts.kruise.io/Rollout" {
  status = (
    field("metadata.generation") != field("status.observedGeneration") ? "progressing" :
    field("status.phase") == "Healthy" && field("status.canaryStatus.currentStepState") == "Completed" ? "healthy" :
    field("status.canaryStatus.currentStepState") != "StepPaused" ? "progressing" :
    field("status.phase") == "Progressing" ? "suspended" :
    contains(["Terminating", "Disabled"], field("status.phase", "")) ? "degraded" : "progressing"
  )
}

health "game.kruise.io/GameServer" {
  status = (
    !has("status") ? "unknown" :
    field("status.currentState") != field("status.desiredState") ? "progressing" :
    anytrue([for c in conditions("status.podStatus.conditions") : c.type == "KruisePodReady" && c.status != "True"]) ? "degraded" :
    field("status.currentState") == "Ready" ? "healthy" : "unknown"
  )
}

health "game.kruise.io/GameServerSet" {
  status = (
    !has("status") || field("metadata.generation") != field("status.observedGeneration") ? "progressing" :
    field("spec.updateStrategy.rollingUpdate.paused") == true ? "suspended" :
    try(
      field("spec.updateStrategy.rollingUpdate.partition", 0) != 0 &&
      field("status.updatedReplicas", 0) >= field("status.replicas", 0) - field("spec.updateStrategy.rollingUpdate.partition", 0)
    , false) ? "suspended" :
    field("status.updatedReadyReplicas", 0) == field("status.replicas", 0) ? "healthy" : "progressing"
  )
}

# ------------------------------------------------------------------ Argo

health "argoproj.io/AnalysisRun" {
  status = lookup({ Successful = "healthy", Failed = "degraded", Error = "degraded", Inconclusive = "unknown" },
  field("status.phase", ""), "progressing")
}

health "argoproj.io/Experiment" {
  status = lookup({ Successful = "healthy", Failed = "degraded", Error = "degraded" }, field("status.phase", ""), "progressing")
}

health "argoproj.io/ApplicationSet" {
  healthy     = condition("ResourcesUpToDate").status == "True"
  degraded    = condition("ErrorOccurred").status == "True" || condition("ResourcesUpToDate").status == "False"
  progressing = condition("RolloutProgressing").status == "True"
}

health "argoproj.io/CronWorkflow" {
  healthy  = true
  degraded = condition("SpecError").status == "True" || condition("SubmissionError").status == "True"
}

# A rollout says how it is since version 1.0; what is below that line reads the status of
# older ones.
health "argoproj.io/Rollout" {
  status = (
    !has("status") || try(tonumber(field("status.observedGeneration")) < field("metadata.generation"), false) ? "progressing" :
    has("spec.workloadRef") && field("metadata.annotations[\"rollout.argoproj.io/workload-generation\"]", "") != tostring(field("status.workloadObservedGeneration", "")) ? "progressing" :
    has("status.phase") ? lookup({ Healthy = "healthy", Paused = "suspended", Degraded = "degraded", Progressing = "progressing" }, field("status.phase"), "unknown") :

    condition("InvalidSpec").exists ? "degraded" :
    contains(["RolloutAborted", "ProgressDeadlineExceeded"], condition("Progressing").reason) ? "degraded" :
    length(field("status.pauseConditions", [])) > 0 || field("spec.paused") == true ? "suspended" :
    !has("status.currentPodHash") ? "progressing" :
    field("status.updatedReplicas", 0) < field("spec.replicas", 1) ? "progressing" :
    field("status.availableReplicas", 0) < field("status.updatedReplicas", 0) ? "progressing" :
    has("spec.strategy.blueGreen") ? (
      field("status.blueGreen.activeSelector") != field("status.currentPodHash") ? "progressing" :
      contains(["", field("status.currentPodHash")], field("status.stableRS", field("status.canary.stableRS", ""))) ? "healthy" : "progressing"
    ) :
    has("spec.strategy.canary") ? (
      field("status.replicas", 0) > field("status.updatedReplicas", 0) ? "progressing" :
      field("status.stableRS", field("status.canary.stableRS")) == field("status.currentPodHash") ? "healthy" : "progressing"
    ) : "healthy"
  )
}

# GitOps Promoter. What was not looked at since it changed is not told by its condition.
health "promoter.argoproj.io/{CommitStatus,PullRequest}" {
  degraded    = anytrue([for type in ["Ready", "Reconciled"] : condition(type).status == "False" && condition(type).current])
  progressing = anytrue([for type in ["Ready", "Reconciled"] : !condition(type).current])
  healthy     = condition("Ready").exists || condition("Reconciled").exists
}

health "promoter.argoproj.io/{ClusterScmProvider,ScmProvider,GitRepository}" {
  degraded    = condition("Ready").status == "False" && condition("Ready").current
  progressing = !condition("Ready").current
  healthy     = condition("Ready").status == "True"
}

# One branch that fails its gate makes all degraded, one that is not through, progressing.
health "promoter.argoproj.io/{GitCommitStatus,TimedCommitStatus,WebRequestCommitStatus}" {
  status = (
    condition("Ready").status == "Unknown" ? "progressing" :
    !condition("Ready").current ? "progressing" :
    condition("Ready").status == "False" ? "degraded" :
    anytrue([for e in field("status.environments", []) : try(e.phase, "") == "failure"]) ? "degraded" :
    alltrue([for e in field("status.environments", []) : try(e.phase, "") == "success"]) ? "healthy" : "progressing"
  )
}

health "promoter.argoproj.io/ArgoCDCommitStatus" {
  status = (
    !condition("Ready").exists ? "progressing" :
    !condition("Ready").current ? "progressing" :
    condition("Ready").status == "False" ? "degraded" :
    length(field("status.applicationsSelected", [])) == 0 ? "degraded" : "healthy"
  )
}

# A promotion is under way while the proposed commit is not the active one.
health "promoter.argoproj.io/ChangeTransferPolicy" {
  status = (
    !condition("Ready").exists ? "progressing" :
    !condition("Ready").current ? "progressing" :
    condition("Ready").status == "False" ? "degraded" :
    field("status.active.dry.sha", "") != "" && field("status.active.dry.sha") == field("status.proposed.dry.sha") ? "healthy" : "progressing"
  )
}

health "promoter.argoproj.io/PromotionStrategy" {
  status = (
    !condition("Ready").exists ? "progressing" :
    !condition("Ready").current ? "progressing" :
    condition("Ready").status == "False" ? "degraded" :
    length(field("status.environments", [])) == 0 ? "degraded" :
    anytrue([for e in field("status.environments") : try(e.active.dry.sha, "") == ""]) ? "progressing" :
    anytrue([for e in field("status.environments") : try(e.proposed.dry.sha, "") != e.active.dry.sha]) ? "progressing" :
    length(distinct([for e in field("status.environments") : coalesce(try(e.proposed.note.drySha, ""), e.proposed.dry.sha)])) > 1 ? "progressing" : "healthy"
  )
}

# ------------------------------------------------------------------ Flux

health "{kustomize,helm,source,image,notification}.toolkit.fluxcd.io/{Kustomization,HelmRelease,ImagePolicy,ImageRepository,ImageUpdateAutomation,Receiver}" {
  suspended = field("spec.suspend") == true
  healthy   = field("spec.suspend") != true && condition("Ready").status == "True" && condition("Released").status != "False"
  degraded = field("spec.suspend") != true && (
    condition("Released").status == "False" && condition("Ready").status == "True" ||
    condition("Ready").status == "False" && !contains(["NewGeneration", "AccessingRepository", "ApplyingPolicy", "Scanning"], condition("Reconciling").reason)
  )
}

# A source is there when its artifact is. One of the type oci has none, and no status.
health "source.toolkit.fluxcd.io/*" {
  status = (
    field("spec.suspend") == true ? "suspended" :
    field("spec.type") == "oci" ? "healthy" :
    length(conditions()) == 0 ? "progressing" :
    condition("Ready").status == "Unknown" ? "progressing" :
    condition("Ready").status == "True" && condition("ArtifactInStorage").status == "True" ? "healthy" : "degraded"
  )
}

# ------------------------------------------------------------------ certificates, secrets

health "cert-manager.io/Certificate" {
  healthy     = condition("Ready").status == "True"
  degraded    = condition("Ready").status == "False" && condition("Issuing").status != "True"
  progressing = condition("Issuing").status == "True"
  message     = condition(condition("Issuing").status == "True" ? "Issuing" : "Ready").message
}

# Its conditions are a history: the last one counts.
health "external-secrets.io/ClusterExternalSecret" {
  healthy  = try(reverse(conditions())[0].type == "Ready" && reverse(conditions())[0].status == "True", false)
  degraded = try(contains(["PartiallyReady", "NotReady"], reverse(conditions())[0].type) && reverse(conditions())[0].status == "True", false)
}

health "kubernetes-client.io/ExternalSecret" {
  healthy  = field("status.status") == "SUCCESS"
  degraded = startswith(field("status.status", ""), "ERROR")
  message  = field("status.status", "")
}

health "networking.gke.io/ManagedCertificate" {
  healthy  = field("status.certificateStatus") == "Active"
  degraded = contains(field("status.domainStatus[*].status", []), "FailedNotVisible")
}

# ------------------------------------------------------------------ Cluster API, Karpenter, Gardener's neighbours

health "cluster.x-k8s.io/Cluster" {
  status = (
    field("spec.paused") == true ? "suspended" :
    condition("Ready").status == "False" && condition("Ready").severity != "Info" ? "degraded" :
    lookup({ Provisioned = "healthy", Failed = "degraded" }, field("status.phase", ""), "progressing")
  )
}

health "cluster.x-k8s.io/Machine" {
  healthy  = field("status.phase") == "Running"
  degraded = field("status.phase") == "Failed"
}

health "cluster.x-k8s.io/MachineDeployment" {
  status = (
    field("spec.paused") == true ? "suspended" :
    lookup({ Running = "healthy", Failed = "degraded" }, field("status.phase", ""), "progressing")
  )
}

health "cluster.x-k8s.io/MachineHealthCheck" {
  healthy  = has("status.currentHealthy") && field("status.currentHealthy") == field("status.expectedMachines")
  degraded = has("status.currentHealthy") && field("status.currentHealthy") != field("status.expectedMachines")
  message  = "${field("status.currentHealthy", 0)} of ${field("status.expectedMachines", 0)} machines are healthy"
}

health "cluster.x-k8s.io/MachinePool" {
  healthy  = contains(["Running", "Scaling"], field("status.phase", ""))
  degraded = contains(["Failed", "Unknown"], field("status.phase", ""))
}

# An update in place leaves the control plane ready; a failure that it names is final.
health "controlplane.cluster.x-k8s.io/AWSManagedControlPlane" {
  status = (
    !observed() ? "progressing" :
    field("status.failureMessage", "") != "" ? "degraded" :
    condition("EKSControlPlaneUpdating").status == "True" ? "progressing" :
    condition("Ready").status == "True" ? "healthy" :
    anytrue([for c in conditions() : c.status == "False" && c.severity == "Error"]) ? "degraded" : "progressing"
  )
  message = field("status.failureMessage", join(" ", [for c in conditions() : c.message if c.status == "False" && c.severity == "Error"]))
}

health "karpenter.sh/NodeClaim" {
  status = (
    !observed() ? "progressing" :
    condition("Disrupting").status == "True" ? "suspended" :
    condition("Ready").status == "True" ? "healthy" :
    condition("Ready").status == "False" ? "degraded" : "progressing"
  )
}

health "nmstate.io/NodeNetworkConfigurationPolicy" {
  healthy     = condition("Available").status == "True"
  degraded    = condition("Degraded").status == "True"
  progressing = condition("Progressing").status == "True"
  suspended   = condition("Ignored").status == "True"
}

# ------------------------------------------------------------------ Gateway API and other routes

# Conditions of an earlier generation do not count.
health "gateway.networking.k8s.io/{HTTPRoute,GRPCRoute,TLSRoute,TCPRoute,UDPRoute}" {
  degraded = anytrue([for c in conditions("status.parents[*].conditions") :
    contains(["ResolvedRefs", "Accepted"], c.type) && c.status == "False" && c.current
  ])
  progressing = anytrue([for c in conditions("status.parents[*].conditions") :
    c.type == "Programmed" && c.status != "True" && c.current
  ])
  healthy = anytrue([for c in conditions("status.parents[*].conditions") : c.current])
  message = join("; ", [for c in conditions("status.parents[*].conditions") : c.message if c.status == "False"])
}

health "gateway.networking.k8s.io/Gateway" {
  status = (
    condition("ResolvedRefs").status == "False" || condition("Accepted").status == "False" ? "degraded" :
    condition("Programmed").exists && condition("Programmed").status != "True" ? "progressing" :
    anytrue([for c in conditions("status.listeners[*].conditions") : contains(["ResolvedRefs", "Accepted"], c.type) && c.status == "False"]) ? "degraded" :
    anytrue([for c in conditions("status.listeners[*].conditions") : c.type == "Programmed" && c.status != "True"]) ? "progressing" :
    has("status.conditions") || length(field("status.listeners", [])) > 0 ? "healthy" : "progressing"
  )
  message = join("; ", [for c in concat(conditions(), conditions("status.listeners[*].conditions")) : c.message if c.status == "False"])
}

health "gateway.networking.k8s.io/GatewayClass" {
  healthy  = condition("Accepted").status == "True" && condition("Accepted").current
  degraded = condition("Accepted").status == "False" && condition("Accepted").current
}

health "gateway.networking.k8s.io/BackendTLSPolicy" {
  progressing = anytrue([for c in conditions("status.ancestors[*].conditions") : !c.current])
  degraded = (
    alltrue([for c in conditions("status.ancestors[*].conditions") : c.current]) &&
    anytrue([for c in conditions("status.ancestors[*].conditions") : contains(["Accepted", "ResolvedRefs"], c.type) && c.status != "True"])
  )
  healthy = anytrue([for c in conditions("status.ancestors[*].conditions") : c.type == "Accepted"])
  message = join("; ", [for c in conditions("status.ancestors[*].conditions") : c.message if c.status != "True"])
}

# Only policies have a status.
health "microgateway.airlock.com/*" {
  healthy = true
}

# Every ancestor must have accepted the policy as it is now.
health "microgateway.airlock.com/*Policy" {
  progressing = anytrue([for c in conditions("status.ancestors[*].conditions") : has("metadata.generation") && c.observedGeneration != field("metadata.generation")])
  degraded = (
    alltrue([for c in conditions("status.ancestors[*].conditions") : !has("metadata.generation") || c.observedGeneration == field("metadata.generation")]) && (
      anytrue([for c in conditions("status.ancestors[*].conditions") : contains(["Accepted", "ResolvedRefs"], c.type) && c.status != "True"]) ||
      anytrue([for a in field("status.ancestors", []) : !anytrue([for c in try(a.conditions, []) : try(c.type, "") == "Accepted"])])
    )
  )
  healthy = length(field("status.ancestors", [])) > 0
  message = join("; ", [for c in conditions("status.ancestors[*].conditions") : c.message if c.status != "True"])
}

health "{gateway,gloo}.solo.io/{Gateway,MatchableHttpGateway,MatchableTcpGateway,RouteOption,RouteTable,VirtualHostOption,VirtualService,Proxy,Settings,Upstream,UpstreamGroup}" {
  healthy   = anytrue([for s in flatten([field("status.statuses[*].state", []), field("status.state", [])]) : contains(["Accepted", "1"], tostring(s))])
  degraded  = anytrue([for s in flatten([field("status.statuses[*].state", []), field("status.state", [])]) : contains(["Warning", "3", "Rejected", "2"], tostring(s))])
  suspended = anytrue([for s in flatten([field("status.statuses[*].state", []), field("status.state", [])]) : contains(["Pending", "0"], tostring(s))])
  message   = join("; ", flatten([field("status.statuses[*].reason", []), field("status.reason", [])]))
}

health "projectcontour.io/ExtensionService" {
  healthy  = condition("Valid").status == "True" && condition("Valid").observedGeneration == field("metadata.generation", 0)
  degraded = condition("Valid").status == "False" && condition("Valid").observedGeneration == field("metadata.generation", 0)
}

# A proxy that includes others is invalid until those are there, which wait for it.
health "projectcontour.io/HTTPProxy" {
  healthy = condition("Valid").observedGeneration == field("metadata.generation", 0) && (
    condition("Valid").status == "True" || condition("Valid").status == "False" && has("spec.includes")
  )
  degraded = (
    condition("Valid").status == "False" && !has("spec.includes") &&
    condition("Valid").observedGeneration == field("metadata.generation", 0)
  )
  message = field("status.description", "")
}

health "route.openshift.io/Route" {
  status = (
    !has("status.ingress") ? "progressing" :
    length([for c in conditions("status.ingress[*].conditions") : c if c.type == "Admitted" && c.status == "True"]) == length(field("status.ingress")) ? "healthy" :
    anytrue([for c in conditions("status.ingress[*].conditions") : c.type == "Admitted" && c.status == "False"]) ? "degraded" : "progressing"
  )
  message = join("; ", [for c in conditions("status.ingress[*].conditions") : c.message if c.status == "False"])
}

health "operator.openshift.io/IngressController" {
  healthy     = condition("Available").status == "True"
  degraded    = condition("Degraded").status == "True"
  progressing = condition("DeploymentReplicasAllAvailable").status == "False" || condition("Progressing").status == "True"
}

# ------------------------------------------------------------------ databases, search, storage

health "postgresql.cnpg.io/Cluster" {
  status = (
    field("metadata.annotations[\"cnpg.io/reconciliationLoop\"]") == "disabled" ? "suspended" :
    !has("status.conditions") ? "progressing" :
    condition("cnpg.io/hibernation").exists ? (condition("cnpg.io/hibernation").status == "True" ? "suspended" : "degraded") :
    lookup({
      "Cluster in healthy state"                     = "healthy"
      "Setting up primary"                           = "progressing"
      "Creating a new replica"                       = "progressing"
      "Upgrading cluster"                            = "progressing"
      "Waiting for the instances to become active"   = "progressing"
      "Promoting to primary cluster"                 = "progressing"
      "Switchover in progress"                       = "degraded"
      "Failing over"                                 = "degraded"
      "Upgrading Postgres major version"             = "degraded"
      "Cluster upgrade delayed"                      = "degraded"
      "Waiting for user action"                      = "degraded"
      "Online upgrade in progress"                   = "degraded"
      "Applying configuration"                       = "degraded"
      "Primary instance is being restarted in-place" = "degraded"

      "Primary instance is being restarted without a switchover"                          = "degraded"
      "Cluster cannot execute instance online upgrade due to missing architecture binary" = "degraded"
      "Unable to create required cluster objects"                                         = "suspended"
      "Cluster cannot proceed to reconciliation due to an unknown plugin being required"  = "suspended"
      "Cluster has incomplete or invalid image catalog"                                   = "suspended"
      "Cluster is unrecoverable and needs manual intervention"                            = "suspended"
    }, field("status.phase", ""), "unknown")
  )
  message = field("status.phaseReason", field("status.phase", ""))
}

health "{k8s.mariadb.com,mariadb.mmontes.io}/MariaDB" {
  healthy  = has("status.conditions") && alltrue([for c in conditions() : c.status != "False"])
  degraded = try([for c in conditions() : c.reason if c.status == "False"][0] == "Failed", false)
}

health "k8s.mariadb.com/Backup" {
  healthy  = has("status.conditions") && alltrue([for c in conditions() : c.status != "False"])
  degraded = try([for c in conditions() : "${c.reason} ${c.message}" if c.status == "False"][0] == "CronJobScheduled Failed", false)
}

health "k8s.mariadb.com/SqlJob" {
  healthy  = anytrue([for c in conditions() : c.reason == "JobComplete" && c.status == "True"])
  degraded = anytrue([for c in conditions() : c.reason == "JobFailed" && c.status == "True"])
}

health "psmdb.percona.com/PerconaServerMongoDB" {
  status = lookup({ initializing = "progressing", stopping = "progressing", ready = "healthy", error = "degraded", paused = "suspended" },
  field("status.state", ""), "unknown")
  message = "${field("status.ready", 0)} of ${field("status.size", 0)} nodes are ready"
}

health "pxc.percona.com/PerconaXtraDBCluster" {
  status  = lookup({ initializing = "progressing", ready = "healthy", error = "degraded", stopping = "degraded" }, field("status.state", ""), "unknown")
  message = try(join(", ", field("status.message")), "${field("status.ready", 0)} of ${field("status.size", 0)} nodes are ready")
}

health "db.atlasgo.io/{AtlasMigration,AtlasSchema}" {
  healthy = condition("Ready").status == "True"
  degraded = (
    condition("Ready").exists && condition("Ready").status != "True" && condition("Ready").reason != "Reconciling" &&
    !contains(["Reconciling", "GettingDevDB"], condition("Ready").message)
  )
}

health "cassandra.rook.io/Cluster" {
  healthy = has("status.racks") && alltrue([for rack in field("status.racks[*]", []) : try(rack.members == rack.readyMembers, true)])
}

health "ceph.rook.io/CephCluster" {
  healthy = (
    field("status.ceph.health") == "HEALTH_OK" &&
    contains(["Created", "Connected"], field("status.state", "Created"))
  )
  degraded = (
    contains(["HEALTH_ERR", "HEALTH_WARN"], field("status.ceph.health", "")) ||
    field("status.ceph.health") == "HEALTH_OK" && field("status.state") == "Error"
  )
  message = join("; ", flatten([field("status.ceph.details[*].message", []), field("status.message", [])]))
}

health "ceph.rook.io/CephObjectStore" {
  healthy  = field("status.phase") == "Ready"
  degraded = field("status.phase") == "Failure"
}

health "ocs.openshift.io/StorageCluster" {
  status = (
    condition("Degraded").status == "True" ? "degraded" :
    condition("Progressing").status == "True" ? "progressing" :
    condition("Available").status == "True" ? "healthy" : "unknown"
  )
}

health "snapshot.storage.k8s.io/{VolumeSnapshot,VolumeSnapshotContent}" {
  also     = ["groupsnapshot.storage.k8s.io/{VolumeGroupSnapshot,VolumeGroupSnapshotContent}"]
  healthy  = field("status.readyToUse") == true
  degraded = field("status.readyToUse") != true && has("status.error")
  message  = field("status.error.message", "")
}

health "minio.min.io/Tenant" {
  healthy = field("status.currentState") == "Initialized"
  degraded = contains([
    "Statefulset not controlled by operator",
    "Another MinIO Tenant already exists in the namespace",
    "Tenant credentials are not set properly",
    "Different versions across MinIO Pools",
    "Pool Decommissioning Not Allowed",
  ], field("status.currentState", ""))
  message = field("status.currentState", "")
}

health "elasticsearch.k8s.elastic.co/Elasticsearch" {
  status = (
    !has("status.availableNodes") ? "unknown" :
    field("status.availableNodes") < sum(concat([0], [for set in field("spec.nodeSets", []) : try(set.count, 0)])) ? "progressing" :
    field("status.availableNodes") > sum(concat([0], [for set in field("spec.nodeSets", []) : try(set.count, 0)])) ? "unknown" :
    lookup({ "Ready green" = "healthy", "Ready yellow" = "progressing", "Ready red" = "degraded" }, "${field("status.phase", "")} ${field("status.health", "")}",
      !has("status.health") ? "unknown" :
    lookup({ ApplyingChanges = "progressing", MigratingData = "progressing", Invalid = "degraded" }, field("status.phase", ""), "unknown"))
  )
  message = "it is ${field("status.health", "of unknown health")}, ${field("status.availableNodes", 0)} nodes are available"
}

health "beat.k8s.elastic.co/Beat" {
  status = (
    has("status.health") ? lookup({ green = "healthy", yellow = "progressing", red = "degraded" }, field("status.health"), "unknown") :
    has("status.expectedNodes") ? "progressing" : "unknown"
  )
  message = "${field("status.availableNodes", 0)} of ${field("status.expectedNodes", 0)} instances are available"
}

health "logstash.k8s.elastic.co/Logstash" {
  status = lookup({ green = "healthy", red = "degraded" }, field("status.health", ""), "progressing")
}

health "solr.apache.org/SolrCloud" {
  healthy = has("status.solrNodes") && alltrue([for node in field("status.solrNodes", []) : try(node.ready == true, false)])
}

health "zookeeper.pravega.io/ZookeeperCluster" {
  healthy = field("status.readyReplicas", 0) != 0 && field("status.readyReplicas") == field("status.replicas")
  message = "${field("status.readyReplicas", 0)} of ${field("status.replicas", 0)} nodes have joined"
}

# ------------------------------------------------------------------ messages and streams

health "kafka.strimzi.io/{Kafka,KafkaBridge,KafkaConnect,KafkaConnector,KafkaMirrorMaker2,KafkaTopic,KafkaUser}" {
  healthy  = condition("Ready").status == "True"
  degraded = condition("NotReady").status == "True" && condition("NotReady").reason != "Creating"
}

health "kafka.banzaicloud.io/KafkaCluster" {
  status = (
    field("status.state") == "ClusterRollingUpgrading" || !has("status.brokersState") ? "progressing" :
    alltrue([for broker in field("status.brokersState[*]", []) :
      try(broker.configurationState, "") == "ConfigInSync" &&
      contains(["GracefulUpscaleSucceeded", "GracefulDownscaleSucceeded"], try(broker.gracefulActionState.cruiseControlState, ""))
    ]) ? (field("status.cruiseControlTopicStatus") == "CruiseControlTopicReady" && field("status.state") == "ClusterRunning" ? "healthy" : "progressing") : "degraded"
  )
}

health "platform.confluent.io/Connector" {
  healthy  = field("status.state") == "CREATED" && field("status.connectorState") == "RUNNING" && !has("status.failedTasksCount")
  degraded = field("status.state") == "ERROR" || field("status.failedTasksCount", 0) > 0
}

# What is neither made nor refused is unknown.
health "rabbitmq.com/*" {
  status = lookup({ "True SuccessfulCreateOrUpdate" = "healthy", "False FailedCreateOrUpdate" = "degraded" },
  "${condition("Ready").status} ${condition("Ready").reason}", "unknown")
  message = condition("Ready").message
}

health "rabbitmq.com/RabbitmqCluster" {
  healthy  = condition("ClusterAvailable").status == "True" && condition("AllReplicasReady").status == "True"
  degraded = condition("ReconcileSuccess").status == "False"
}

health "numaflow.numaproj.io/{InterStepBufferService,MonoVertex,Pipeline,Vertex}" {
  status = (
    !has("status") || field("metadata.generation") != field("status.observedGeneration") ? "progressing" :
    field("status.phase") == "Failed" || anytrue([for c in conditions() : c.status == "False"]) ? "degraded" :
    field("metadata.labels[\"numaplane.numaproj.io/progressive-result-state\"]") == "failed" ? "degraded" :
    contains(["Running", "Paused", "Pausing"], field("status.phase", "")) ? "healthy" : "progressing"
  )
}

# An upgrade that goes on is progress, unless it has failed; a pause is meant.
health "numaplane.numaproj.io/{ISBServiceRollout,MonoVertexRollout,NumaflowControllerRollout,PipelineRollout}" {
  status = (
    !has("status") || field("metadata.generation") != field("status.observedGeneration") ? "progressing" :
    (field("status.upgradeInProgress", "") != "" || field("status.phase") == "Pending") && condition("ProgressiveUpgradeSucceeded").status != "False" ? "progressing" :
    condition("ChildResourcesHealthy").status == "False" && condition("ChildResourcesHealthy").reason == "Progressing" ? "progressing" :
    field("status.phase") == "Failed" || condition("ProgressiveUpgradeSucceeded").status == "False" ? "degraded" :
    condition("ChildResourcesHealthy").status == "False" && endswith(condition("ChildResourcesHealthy").reason, "Failed") ? "degraded" :
    anytrue([for c in conditions() : endswith(c.type, "PausingOrPaused") && c.status == "True"]) ? "healthy" :
    condition("ChildResourcesHealthy").status == "True" ? "healthy" : "unknown"
  )
}

# ------------------------------------------------------------------ serving, functions, jobs

health "serving.knative.dev/Service" {
  healthy = (
    alltrue([for type in ["ConfigurationsReady", "RoutesReady", "Ready"] : condition(type).status == "True"]) &&
    alltrue([for c in conditions() : c.status != "Unknown"])
  )
  degraded = anytrue([for c in conditions() : c.status == "False"])
}

health "operator.knative.dev/{KnativeEventing,KnativeServing}" {
  status = (
    length(conditions()) == 0 || anytrue([for c in conditions() : c.status == "Unknown"]) ? "progressing" :
    condition("Ready").status == "False" || condition("DeploymentsAvailable").status == "False" ? "progressing" :
    condition("Ready").status == "True" && condition("InstallSucceeded").status == "True" && alltrue([for c in conditions() : c.status == "True"]) ? "healthy" : "degraded"
  )
}

# The condition Stopped is good when it is false.
health "serving.kserve.io/InferenceService" {
  status = (
    length(conditions()) == 0 ? "progressing" :
    condition("Stopped").status == "True" ? "suspended" :
    !contains(["UpToDate", "InProgress"], field("status.modelStatus.transitionStatus", "UpToDate")) ? "degraded" :
    field("status.modelStatus.transitionStatus") == "InProgress" ? "progressing" :
    alltrue([for c in conditions() : c.status == "True" || c.type == "Stopped" && c.status == "False"]) ? "healthy" : "progressing"
  )
}

health "openfaas.com/Function" {
  status = (
    condition("Ready").status == "False" || condition("Stalled").status == "True" ? "degraded" :
    condition("Ready").status != "True" ? "progressing" :
    field("status.replicas", 0) > 0 ? "healthy" : "suspended"
  )
}

health "core.spinkube.dev/SpinApp" {
  status = (
    !has("status") ? "progressing" :
    condition("Progressing").status == "False" && (condition("Progressing").reason == "ProgressDeadlineExceeded" || can(regex("timeout|failed", lower(condition("Progressing").message)))) ? "degraded" :
    condition("Available").status != "True" ? "degraded" :
    field("status.readyReplicas", 0) < field("spec.replicas", 1) ? "progressing" :
    condition("Progressing").status == "True" ? "progressing" : "healthy"
  )
}

health "keda.sh/ScaledObject" {
  degraded  = condition("Ready").status == "False" || condition("Fallback").status == "True"
  suspended = condition("Ready").status == "True" && condition("Paused").status == "True"
  healthy   = condition("Ready").status == "True"
}

health "keda.sh/ScaledJob" {
  degraded  = condition("Ready").exists && condition("Ready").status != "True"
  suspended = condition("Ready").status == "True" && condition("Paused").status == "True"
  healthy   = condition("Ready").status == "True"
}

health "flagger.app/Canary" {
  status = lookup({
    Initialized = "healthy", Succeeded = "healthy", Failed = "degraded",
    Progressing = "progressing", Promoting = "progressing", Finalising = "progressing",
  }, field("status.phase", ""), "unknown")
}

health "flink.apache.org/FlinkDeployment" {
  status = (
    !has("status.reconciliationStatus") ? "progressing" :
    field("status.reconciliationStatus.success") == true || field("status.reconciliationStatus.state") == "DEPLOYED" ? "healthy" :
    field("status.jobManagerDeploymentStatus") == "ERROR" ? "degraded" : "progressing"
  )
  message = field("status.reconciliationStatus.error", "")
}

# A running application is healthy with as many executors as it asks for, or with a
# number that its dynamic allocation allows.
health "sparkoperator.k8s.io/SparkApplication" {
  status = (
    field("status.applicationState.state") == "RUNNING" && has("status.executorState") ? (
      field("spec.executor.instances") == length([for state in field("status.executorState[*]", []) : state if state == "RUNNING"]) ? "healthy" :
      field("spec.dynamicAllocation.enabled") == true ? (
        length([for state in field("status.executorState[*]", []) : state if state == "RUNNING"]) >= field("spec.dynamicAllocation.minExecutors", 0) &&
        length([for state in field("status.executorState[*]", []) : state if state == "RUNNING"]) <= field("spec.dynamicAllocation.maxExecutors", 1000000) ? "healthy" : "progressing"
      ) :
      anytrue([for prefix in ["spark.streaming.dynamicAllocation", "spark.dynamicAllocation"] :
        field("spec.sparkConf[\"${prefix}.enabled\"]") == "true" &&
        length([for state in field("status.executorState[*]", []) : state if state == "RUNNING"]) >= try(tonumber(field("spec.sparkConf[\"${prefix}.minExecutors\"]", 0)), 0) &&
        length([for state in field("status.executorState[*]", []) : state if state == "RUNNING"]) <= try(tonumber(field("spec.sparkConf[\"${prefix}.maxExecutors\"]", 1000000)), 1000000)
      ]) ? "healthy" :
      !has("spec.dynamicAllocation") && !has("spec.executor.instances") && contains(values(field("status.executorState", {})), "RUNNING") ? "healthy" : "progressing"
    ) :
    lookup({
      COMPLETED = "healthy", FAILED = "degraded", SUBMISSION_FAILED = "degraded", FAILING = "degraded", INVALIDATING = "missing",
    }, field("status.applicationState.state", ""), "progressing")
  )
  message = field("status.applicationState.errorMessage", field("status.applicationState.state", ""))
}

health "spot.io/SpotDeployment" {
  status = (
    !has("status.conditions") ? "progressing" :
    condition("InvalidSpec").exists ? "degraded" :
    contains(["RolloutAborted", "ProgressDeadlineExceeded"], condition("Progressing").reason) ? "degraded" :
    condition("Paused").status == "True" ? "suspended" :
    field("status.phase") == "Progressing" ? "progressing" : "healthy"
  )
}

health "apps.openshift.io/DeploymentConfig" {
  status = (
    !has("status.conditions") || !has("status.replicas") ? "progressing" :
    field("status.replicas") == 0 ? "healthy" :
    lookup({ "2" = "healthy", "1" = "progressing" }, tostring(length([
      for c in conditions() : c if c.status == "True" && (c.type == "Available" || c.type == "Progressing" && c.reason == "NewReplicationControllerAvailable")
    ])), "degraded")
  )
}

health "pulumi.com/Stack" {
  degraded    = field("status.observedGeneration") == field("metadata.generation") && condition("Stalled").status == "True"
  progressing = field("status.observedGeneration") != field("metadata.generation") || condition("Reconciling").status == "True"
  healthy     = condition("Ready").status == "True"
}

# ------------------------------------------------------------------ virtual machines

health "kubevirt.io/VirtualMachine" {
  status = (
    condition("Paused").status == "True" ? "suspended" :
    condition("Ready").status == "True" ? "healthy" :
    condition("Ready").exists && field("status.created") != true ? "suspended" : "progressing"
  )
  message = field("status.printableStatus", "")
}

health "kubevirt.io/VirtualMachineInstance" {
  status = (
    contains(["Failed", "Pending", "Scheduling", "Scheduled", "Succeeded", "Unknown"], field("status.phase", "")) ?
    lookup({ Failed = "degraded", Succeeded = "suspended", Unknown = "unknown" }, field("status.phase"), "progressing") :
    condition("Paused").status == "True" ? "suspended" :
    condition("Ready").status == "True" ? "healthy" :
    condition("Ready").exists ? "degraded" : "progressing"
  )
}

health "cdi.kubevirt.io/DataVolume" {
  status = (
    contains(["Succeeded", "Paused"], field("status.phase", "")) ? lookup({ Succeeded = "healthy" }, field("status.phase"), "suspended") :
    contains(["Failed", "Unknown"], field("status.phase", "")) ? "degraded" :
    condition("Running").status == "False" && condition("Running").reason == "Error" ? "degraded" : "progressing"
  )
}

# ------------------------------------------------------------------ observing

health "monitoring.coreos.com/{Prometheus,PrometheusAgent,Alertmanager,ThanosRuler}" {
  healthy  = condition("Available").status == "True"
  degraded = condition("Available").exists && condition("Available").status != "True" && condition("Available").reason != "SomePodsNotReady"
}

health "operator.victoriametrics.com/*" {
  status = (
    !observed() ? "progressing" :
    lookup({ operational = "healthy", paused = "suspended", failed = "degraded" }, field("status.updateStatus", ""), "progressing")
  )
}

# Replicas are told as "ready/all". A sidecar has none of its own, a daemon set perhaps.
health "opentelemetry.io/OpenTelemetryCollector" {
  status = (
    !has("status") ? "progressing" :
    !has("status.scale.statusReplicas") ? (field("spec.mode") == "sidecar" ? "healthy" : "progressing") :
    !can(regex("[0-9]+/[0-9]+", field("status.scale.statusReplicas"))) ? "progressing" :
    tonumber(split("/", field("status.scale.statusReplicas"))[0]) == 0 ? (
      field("status.scale.statusReplicas") == "0/0" && field("spec.mode") == "daemonset" ? "healthy" : "degraded"
    ) :
    split("/", field("status.scale.statusReplicas"))[0] == split("/", field("status.scale.statusReplicas"))[1] ? "healthy" : "progressing"
  )
  message = "${field("status.scale.statusReplicas", "unknown")} replicas are ready"
}

health "grafana.integreatly.org/Grafana" {
  healthy  = field("status.stage") == "complete" && field("status.stageStatus") == "success"
  degraded = field("status.stageStatus") == "failed"
  message  = "the stage is ${field("status.stage", "not told yet")}"
}

health "grafana.integreatly.org/{GrafanaDashboard,GrafanaFolder}" {
  healthy  = anytrue([for c in conditions() : c.status == "True"])
  degraded = anytrue([for c in conditions() : c.status == "False"])
}

health "grafana.integreatly.org/GrafanaDatasource" {
  status = (
    !has("status") || field("status.uid") == "" ? "progressing" :
    field("status.NoMatchingInstances") == true ? "degraded" : "healthy"
  )
}

# It keeps the conditions of earlier runs: a type may be there twice.
health "kiali.io/Kiali" {
  healthy     = anytrue([for c in conditions() : c.type == "Successful" && c.status == "True"])
  degraded    = anytrue([for c in conditions() : c.type == "Failure" && c.status == "True"])
  progressing = condition("Running").reason == "Running"
}

health "datadoghq.com/DatadogMetric" {
  healthy  = true
  degraded = condition("Error").status == "True" || condition("Valid").status == "False"
}

health "metrics.keptn.sh/Analysis" {
  healthy  = field("status.pass") == true || field("status.warning") == true
  degraded = field("status.pass") == false && field("status.warning") != true
}

health "metrics.keptn.sh/KeptnMetric" {
  healthy  = has("status.value")
  degraded = field("status.errMsg", "") != ""
  message  = field("status.errMsg", "")
}

# ------------------------------------------------------------------ identity, policies, operators

# Its condition with errors may be older than the one that says that it is ready.
health "k8s.keycloak.org/Keycloak" {
  healthy  = condition("Ready").status == "True"
  degraded = condition("HasErrors").status == "True" && condition("Ready").status != "True"
  message  = condition("HasErrors").message
}

health "kyverno.io/{Policy,ClusterPolicy}" {
  healthy = condition("Ready").status == "True" && condition("Ready").reason == "Succeeded"
}

health "policy.open-cluster-management.io/CertificatePolicy" {
  status = lookup({ Compliant = "healthy", "" = "progressing" }, field("status.compliant", ""), "degraded")
}

health "policy.open-cluster-management.io/ConfigurationPolicy" {
  status = (
    field("status.lastEvaluatedGeneration") != field("metadata.generation") || !has("status.compliancyDetails") ? "progressing" :
    lookup({ Compliant = "healthy", "" = "progressing" }, field("status.compliant", ""), "degraded")
  )
  message = join("; ", [for c in conditions("status.compliancyDetails[*].conditions") : c.message])
}

health "policy.open-cluster-management.io/OperatorPolicy" {
  status = (
    !observed() || !condition("Compliant").exists ? "progressing" :
    condition("Compliant").status == "True" ? "healthy" : "degraded"
  )
  message = condition("Compliant").message
}

health "policy.open-cluster-management.io/Policy" {
  status = (
    field("spec.disabled") == true ? "healthy" :
    has("status.compliant") ? (field("status.compliant") == "Compliant" ? "healthy" : "degraded") :
    !has("status.status") && length(field("status.placement", [])) > 0 ? "healthy" : "progressing"
  )
  message = join(", ", [for entry in field("status.status", []) : try(entry.clustername, "") if try(entry.compliant, "") != "Compliant"])
}

# An upgrade that waits for an approval by design is no trouble for what is installed.
health "operators.coreos.com/Subscription" {
  status = (
    !has("status.conditions") ? "progressing" :
    condition("InstallPlanMissing").exists && condition("InstallPlanMissing").reason != "ReferencedInstallPlanNotFound" ? "degraded" :
    anytrue([for type in ["CatalogSourcesUnhealthy", "InstallPlanFailed", "ResolutionFailed"] : condition(type).status == "True"]) ? "degraded" :
    field("status.state") == "UpgradeFailed" ? "degraded" :
    field("spec.installPlanApproval") == "Manual" && has("status.installedCSV") && condition("InstallPlanPending").status == "True" && condition("InstallPlanPending").reason == "RequiresApproval" ?
    (contains(["", "UpgradeAvailable"], field("status.state", "")) ? "progressing" : "healthy") :
    condition("InstallPlanPending").status == "True" || contains(["", "UpgradeAvailable", "UpgradePending"], field("status.state", "")) ? "progressing" : "healthy"
  )
}

health "services.cloud.sap.com/{ServiceBinding,ServiceInstance}" {
  healthy     = has("status.conditions")
  progressing = anytrue([for c in conditions() : !c.current])
  degraded = (
    alltrue([for c in conditions() : c.current]) &&
    (condition("Succeeded").status == "False" || condition("Failed").status == "True")
  )
}

health "proclaim.dogmatiq.io/DNSSDServiceInstance" {
  status = (
    condition("Adopted").status == "False" ? "degraded" :
    contains(["AdvertiseError", "UnadvertiseError"], condition("Advertised").reason) ? "degraded" :
    condition("Discoverable").reason == "DiscoveryError" ? "unknown" :
    condition("Discoverable").status == "True" ? "healthy" : "progressing"
  )
}

# Every cluster that it is bound to must have answered.
health "work.karmada.io/{ResourceBinding,ClusterResourceBinding}" {
  status = (
    length(field("status.aggregatedStatus", [])) == 0 ? "progressing" :
    !has("spec.clusters") && field("kind") == "ClusterResourceBinding" ? "progressing" :
    has("spec.clusters") && length(field("spec.clusters", [])) != length(field("status.aggregatedStatus")) ? "progressing" :
    anytrue([for one in field("status.aggregatedStatus") : try(one.health, "") == "Unhealthy" || try(one.health, "") == "Unknown" && !try(one.applied == true, false)]) ? "degraded" : "healthy"
  )
}
