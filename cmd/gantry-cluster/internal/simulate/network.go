package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/tools/cache"
)

// addressRange is the half for load balancers of 198.18.0.0/15, which RFC 2544 sets
// aside for tests and which is routed nowhere; the nodes have the other half. The
// first address is that of the ingress controller.
const addressRange = "198.18.0.0/16"

func ingressAddress() netip.Addr { return netip.MustParsePrefix(addressRange).Addr().Next() }

// balancers gives every Service of type LoadBalancer an address of its own.
// Services with a load balancer class are somebody else's.
type balancers struct {
	client   kubernetes.Interface
	services corelisters.ServiceLister

	mu sync.Mutex
	// owner has the key of the Service that has an address, held the address by
	// the key.
	owner map[netip.Addr]string
	held  map[string]netip.Addr
}

func newBalancers(client kubernetes.Interface, services corelisters.ServiceLister) *balancers {
	return &balancers{client: client, services: services, owner: map[netip.Addr]string{}, held: map[string]netip.Addr{}}
}

// adopt takes note of the addresses that Services have already.
func (b *balancers) adopt() error {
	services, err := b.services.List(labels.Everything())
	if err != nil {
		return fmt.Errorf("list the services: %w", err)
	}
	for _, s := range services {
		b.note(s.Namespace+"/"+s.Name, s)
	}
	return nil
}

func (b *balancers) note(key string, s *corev1.Service) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, in := range s.Status.LoadBalancer.Ingress {
		if a, err := netip.ParseAddr(in.IP); err == nil {
			b.owner[a], b.held[key] = key, a
		}
	}
}

func (b *balancers) release(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a, ok := b.held[key]; ok {
		delete(b.owner, a)
		delete(b.held, key)
	}
}

// take returns the address that the key has, or gives it the wanted one or the
// first free one.
func (b *balancers) take(key, wanted string) (netip.Addr, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a, ok := b.held[key]; ok {
		return a, nil
	}
	if a, err := netip.ParseAddr(wanted); err == nil {
		if other, taken := b.owner[a]; taken {
			return netip.Addr{}, fmt.Errorf("the address %s is that of service %s", a, other)
		}
		b.owner[a], b.held[key] = key, a
		return a, nil
	}
	prefix := netip.MustParsePrefix(addressRange)
	for a := ingressAddress().Next(); prefix.Contains(a); a = a.Next() {
		if _, taken := b.owner[a]; !taken {
			b.owner[a], b.held[key] = key, a
			return a, nil
		}
	}
	return netip.Addr{}, errors.New("every address for load balancers is taken")
}

func (b *balancers) sync(ctx context.Context, key string) error {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return nil //nolint:nilerr // no other try would read the key better
	}
	service, err := b.services.Services(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		b.release(key)
		return nil
	}
	if err != nil {
		return err
	}
	if service.Spec.Type != corev1.ServiceTypeLoadBalancer || service.Spec.LoadBalancerClass != nil || service.DeletionTimestamp != nil {
		return b.withdraw(ctx, key, service)
	}
	if len(service.Status.LoadBalancer.Ingress) > 0 {
		b.note(key, service)
		return nil
	}
	address, err := b.take(key, service.Spec.LoadBalancerIP)
	if err != nil {
		return err
	}
	patch, err := addressPatch(address)
	if err != nil {
		return err
	}
	_, err = b.client.CoreV1().Services(namespace).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return ignoreNotFound(err)
}

// withdraw takes the address from a Service that is a load balancer no longer.
func (b *balancers) withdraw(ctx context.Context, key string, s *corev1.Service) error {
	b.mu.Lock()
	_, held := b.held[key]
	b.mu.Unlock()
	if held && len(s.Status.LoadBalancer.Ingress) > 0 && s.DeletionTimestamp == nil {
		patch := []byte(`{"status":{"loadBalancer":{"ingress":null}}}`)
		_, err := b.client.CoreV1().Services(s.Namespace).Patch(ctx, s.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
		if ignoreNotFound(err) != nil {
			return err
		}
	}
	b.release(key)
	return nil
}

// ingressController gives every Ingress the address of the one ingress controller.
type ingressController struct {
	client    kubernetes.Interface
	ingresses networkinglisters.IngressLister
}

func (c *ingressController) sync(ctx context.Context, key string) error {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return nil //nolint:nilerr // no other try would read the key better
	}
	ingress, err := c.ingresses.Ingresses(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(ingress.Status.LoadBalancer.Ingress) > 0 || ingress.DeletionTimestamp != nil {
		return nil
	}
	patch, err := addressPatch(ingressAddress())
	if err != nil {
		return err
	}
	_, err = c.client.NetworkingV1().Ingresses(namespace).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	return ignoreNotFound(err)
}

// addressPatch sets the one address of a Service's or an Ingress's status.
func addressPatch(address netip.Addr) ([]byte, error) {
	ingress := []map[string]string{{"ip": address.String()}}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"loadBalancer": map[string]any{"ingress": ingress}}})
	if err != nil {
		return nil, fmt.Errorf("write a patch: %w", err)
	}
	return patch, nil
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
