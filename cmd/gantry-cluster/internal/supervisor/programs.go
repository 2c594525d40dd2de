package supervisor

import (
	"fmt"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/simulate"
)

const (
	// serviceRange is where the cluster's Services get their addresses, and
	// serviceAddress the first of them: that of the API server's own Service.
	serviceRange   = "10.96.0.0/16"
	serviceAddress = "10.96.0.1"
	// podRange is where simulated pods get their addresses.
	podRange = "10.244.0.0/16"
	// kwokUser is the name in the certificate of kwok.
	kwokUser = "gantry-cluster:kwok"
	// issuer is what service account tokens say they are from.
	issuer = "https://kubernetes.default.svc.cluster.local"
)

// controllers leaves out those that nothing in a simulated cluster needs, being
// about real disks, kubelets' caches and tokens of former versions, and the one for
// which package namespaces stands in.
const controllers = "*,-namespace-controller,-persistentvolume-attach-detach-controller," +
	"-persistentvolume-expander-controller,-ttl-controller,-legacy-serviceaccount-token-cleaner-controller"

// network is the ports of a cluster on 127.0.0.1.
type network struct {
	apiserver, etcd, etcdPeer int
}

func (n network) server() string { return fmt.Sprintf("https://127.0.0.1:%d", n.apiserver) }

// program is a server and its arguments. Paths in them are relative to the
// cluster's folder, in which every server runs.
type program struct {
	name string
	args []string
}

// etcdProgram needs no fsync: the store ends with the cluster.
func etcdProgram(n network) program {
	client := fmt.Sprintf("https://127.0.0.1:%d", n.etcd)
	peer := fmt.Sprintf("https://127.0.0.1:%d", n.etcdPeer)
	return program{"etcd", []string{
		"--name=gantry",
		"--data-dir=etcd",
		"--listen-client-urls=" + client,
		"--advertise-client-urls=" + client,
		"--listen-peer-urls=" + peer,
		"--initial-advertise-peer-urls=" + peer,
		"--initial-cluster=gantry=" + peer,
		"--socket-reuse-port=true",
		"--cert-file=pki/etcd.crt",
		"--key-file=pki/etcd.key",
		"--trusted-ca-file=pki/etcd-ca.crt",
		"--client-cert-auth=true",
		"--peer-cert-file=pki/etcd.crt",
		"--peer-key-file=pki/etcd.key",
		"--peer-trusted-ca-file=pki/etcd-ca.crt",
		"--peer-client-cert-auth=true",
		"--unsafe-no-fsync=true",
		"--quota-backend-bytes=8589934592",
		"--log-level=warn",
	}}
}

func apiserverProgram(n network) program {
	return program{"kube-apiserver", []string{
		fmt.Sprintf("--etcd-servers=https://127.0.0.1:%d", n.etcd),
		"--etcd-cafile=pki/etcd-ca.crt",
		"--etcd-certfile=pki/etcd-client.crt",
		"--etcd-keyfile=pki/etcd-client.key",
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", n.apiserver),
		"--permit-port-sharing=true",
		"--advertise-address=127.0.0.1",
		// Endpoints must not have loopback addresses, so there are none of the
		// API server's own Service.
		"--endpoint-reconciler-type=none",
		"--tls-cert-file=pki/apiserver.crt",
		"--tls-private-key-file=pki/apiserver.key",
		"--client-ca-file=pki/ca.crt",
		"--authentication-config=config/authentication.yaml",
		"--authorization-mode=Node,RBAC",
		"--requestheader-client-ca-file=pki/proxy-ca.crt",
		"--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-uid-headers=X-Remote-Uid",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=pki/proxy-client.crt",
		"--proxy-client-key-file=pki/proxy-client.key",
		"--service-account-issuer=" + issuer,
		"--service-account-key-file=pki/tokens.pub",
		"--service-account-signing-key-file=pki/tokens.key",
		"--service-cluster-ip-range=" + serviceRange,
		"--kubelet-preferred-address-types=" + string(simulate.KubeletAddress),
		"--allow-privileged=true",
		"--max-requests-inflight=2000",
		"--max-mutating-requests-inflight=1000",
		"--profiling=false",
	}}
}

// controllerManagerProgram has a long grace period for nodes because simulated
// ones send no heartbeats: a node is never lost, however busy the machine is.
func controllerManagerProgram() program {
	return program{"kube-controller-manager", []string{
		"--kubeconfig=config/controller-manager.kubeconfig",
		"--leader-elect=false",
		"--secure-port=0",
		"--controllers=" + controllers,
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=pki/tokens.key",
		"--root-ca-file=pki/ca.crt",
		"--cluster-signing-cert-file=pki/ca.crt",
		"--cluster-signing-key-file=pki/ca.key",
		"--node-monitor-grace-period=8760h",
		"--node-monitor-period=5s",
		"--horizontal-pod-autoscaler-sync-period=60s",
		"--kube-api-qps=1000",
		"--kube-api-burst=2000",
		"--profiling=false",
	}}
}

func schedulerProgram() program {
	return program{"kube-scheduler", []string{
		"--config=config/scheduler.yaml",
		"--secure-port=0",
	}}
}

func kwokProgram() program {
	return program{"kwok", []string{
		"--config=config/stages.yaml",
		"--kubeconfig=config/kwok.kubeconfig",
		"--manage-all-nodes=true",
		"--node-lease-duration-seconds=0",
		"--cidr=" + podRange,
		"--v=WARN",
	}}
}
