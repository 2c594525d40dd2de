// Package loop brings objects of one kind to where they should be, one after the
// other, as controllers do.
package loop

import (
	"context"
	"log/slog"
	"time"

	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// Loop holds the keys of the objects to look at. It looks at an object when it
// appears, changes or is gone, and again, with growing pauses, when that failed.
type Loop struct {
	name  string
	log   *slog.Logger
	queue workqueue.TypedRateLimitingInterface[string]
	sync  func(ctx context.Context, key string) error
}

// Pauses are those before the next try at an object, which double from one to the
// other.
type Pauses struct {
	First, Longest time.Duration
}

// New returns a loop over the objects of an informer that is not started yet. The
// keys that sync gets are "namespace/name", or "name".
func New(name string, log *slog.Logger, informer cache.SharedIndexInformer, pauses Pauses, sync func(context.Context, string) error) *Loop {
	l := &Loop{
		name: name,
		log:  log,
		queue: workqueue.NewTypedRateLimitingQueue(
			workqueue.NewTypedItemExponentialFailureRateLimiter[string](pauses.First, pauses.Longest)),
		sync: sync,
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

// Run works until the context is done.
func (l *Loop) Run(ctx context.Context) {
	stop := context.AfterFunc(ctx, l.queue.ShutDown)
	defer stop()
	for {
		key, over := l.queue.Get()
		if over {
			return
		}
		if err := l.sync(ctx, key); err != nil && ctx.Err() == nil {
			l.log.Debug("trying again", "kind", l.name, "object", key, "cause", err)
			l.queue.AddRateLimited(key)
		} else {
			l.queue.Forget(key)
		}
		l.queue.Done(key)
	}
}
