package simulate

import (
	"context"
	"log/slog"
	"sync"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// Run plays load balancers, the ingress controller and the provider of volumes
// until the context is done.
func Run(ctx context.Context, client kubernetes.Interface, log *slog.Logger) {
	factory := informers.NewSharedInformerFactory(client, 0)
	services := factory.Core().V1().Services()
	ingresses := factory.Networking().V1().Ingresses()
	claims := factory.Core().V1().PersistentVolumeClaims()
	volumes := factory.Core().V1().PersistentVolumes()
	classes := factory.Storage().V1().StorageClasses()

	balancers := newBalancers(client, services.Lister())
	ingress := &ingressController{client: client, ingresses: ingresses.Lister()}
	storage := &provisioner{client: client, claims: claims.Lister(), volumes: volumes.Lister(), classes: classes.Lister()}
	loops := []*loop{
		newLoop("load balancer", log, services.Informer(), balancers.sync),
		newLoop("ingress", log, ingresses.Informer(), ingress.sync),
		newLoop("volume claim", log, claims.Informer(), storage.syncClaim),
		newLoop("volume", log, volumes.Informer(), storage.syncVolume),
	}

	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	if ctx.Err() == nil {
		balancers.adopt()
	}
	var all sync.WaitGroup
	for _, l := range loops {
		all.Go(func() { l.run(ctx) })
	}
	all.Wait()
	factory.Shutdown()
}

// loop brings objects of one kind, by their key, to where they should be, and
// tries again with growing pauses what failed.
type loop struct {
	name  string
	log   *slog.Logger
	queue workqueue.TypedRateLimitingInterface[string]
	sync  func(ctx context.Context, key string) error
}

func newLoop(name string, log *slog.Logger, informer cache.SharedIndexInformer, sync func(context.Context, string) error) *loop {
	l := &loop{
		name:  name,
		log:   log,
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]()),
		sync:  sync,
	}
	add := func(object any) {
		if key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object); err == nil {
			l.queue.Add(key)
		}
	}
	// It fails only for an informer that has been stopped.
	_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    add,
		UpdateFunc: func(_, object any) { add(object) },
		DeleteFunc: add,
	})
	return l
}

func (l *loop) run(ctx context.Context) {
	stop := context.AfterFunc(ctx, l.queue.ShutDown)
	defer stop()
	for {
		key, over := l.queue.Get()
		if over {
			return
		}
		if err := l.sync(ctx, key); err != nil && ctx.Err() == nil {
			l.log.Warn("trying again", "kind", l.name, "object", key, "cause", err)
			l.queue.AddRateLimited(key)
		} else {
			l.queue.Forget(key)
		}
		l.queue.Done(key)
	}
}
