package simulate

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"

	"github.com/gantrycd/gantry/cmd/gantry-cluster/internal/loop"
)

// Run plays load balancers, the ingress controller and the provider of volumes
// until the context is done.
func Run(ctx context.Context, client kubernetes.Interface, log *slog.Logger) error {
	factory := informers.NewSharedInformerFactory(client, 0)
	services := factory.Core().V1().Services()
	ingresses := factory.Networking().V1().Ingresses()
	claims := factory.Core().V1().PersistentVolumeClaims()
	volumes := factory.Core().V1().PersistentVolumes()
	classes := factory.Storage().V1().StorageClasses()

	balancers := newBalancers(client, services.Lister())
	ingress := &ingressController{client: client, ingresses: ingresses.Lister()}
	storage := &provisioner{client: client, claims: claims.Lister(), volumes: volumes.Lister(), classes: classes.Lister()}
	pauses := loop.Pauses{First: 20 * time.Millisecond, Longest: 10 * time.Second}
	loops := []*loop.Loop{
		loop.New("load balancer", log, services.Informer(), pauses, balancers.sync),
		loop.New("ingress", log, ingresses.Informer(), pauses, ingress.sync),
		loop.New("volume claim", log, claims.Informer(), pauses, storage.syncClaim),
		loop.New("volume", log, volumes.Informer(), pauses, storage.syncVolume),
	}

	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	if ctx.Err() == nil {
		if err := balancers.adopt(); err != nil {
			return err
		}
	}
	var all sync.WaitGroup
	for _, l := range loops {
		all.Go(func() { l.Run(ctx) })
	}
	all.Wait()
	factory.Shutdown()
	return nil
}
