# Policies for who reaches what, and for what must not be lost.

policy "team_label" {
  violated = try(object.metadata.labels.team, "") == ""
  message  = "${object.kind} ${object.metadata.name} has no label \"team\": nobody knows whom to ask"

  exempt {
    kinds  = ["Namespace"]
    reason = "namespaces are shared"
  }
}

policy "public_services" {
  kinds    = ["Service"]
  violated = try(object.spec.type, "") == "LoadBalancer" && try(object.metadata.annotations["example.com/public"], "") != "yes"
  message  = "${object.metadata.name} is reached from everywhere; if that is meant, say so with the annotation example.com/public: \"yes\""
}

policy "ingress_tls" {
  kinds    = ["networking.k8s.io/Ingress"]
  violated = length(try(object.spec.tls, [])) == 0
  message  = "${object.metadata.name} takes requests without TLS"
}

policy "no_cluster_admin" {
  kinds    = ["rbac.authorization.k8s.io/ClusterRoleBinding", "rbac.authorization.k8s.io/RoleBinding"]
  violated = object.roleRef.name == "cluster-admin"
  message  = "${object.metadata.name} gives away the whole cluster"
}

policy "no_wildcards" {
  kinds    = ["rbac.authorization.k8s.io/ClusterRole", "rbac.authorization.k8s.io/Role"]
  violated = anytrue([for rule in try(object.rules, []) : contains(try(rule.verbs, []), "*") && contains(try(rule.resources, []), "*")])
  message  = "${object.metadata.name} allows everything to be done to everything"
}

policy "keep_data" {
  kinds       = ["PersistentVolumeClaim"]
  actions     = ["prune", "replace"]
  enforcement = "approve"
  violated    = true
  message     = "${object.metadata.name} is deleted with what it stores"
}

# Rules of Kubernetes itself: as they stand in the cluster, they answer in the plan.
policy "admission" {
  manifests = yamldecode_all(file("${path.module}/rules/replicas.yaml"))
}
