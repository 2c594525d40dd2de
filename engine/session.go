package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/gantrycd/gantry/engine/crdschema"
	"github.com/gantrycd/gantry/engine/diff"
	"github.com/gantrycd/gantry/lang"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/target"
	"github.com/gantrycd/gantry/providers"
	"github.com/gantrycd/gantry/state"
)

// session is one cluster while a plan is made or applied: the connection, who
// it is, its schemas, and what this plan adds to what it serves. It is safe for
// concurrent use once connected.
type session struct {
	name        string
	connection  target.Connection
	credentials target.Credentials
	as          *target.Impersonation // as whom every request is made; nil is who reaches it
	cluster     providers.Cluster     // nil when planning offline
	info        providers.ClusterInfo
	err         error // why the cluster cannot be used
	schemas     *diff.Schemas

	slots    chan struct{} // one per write in flight
	all      chan struct{} // likewise, of all clusters
	prepared chan struct{} // closed when an apply knows of the cluster what it must
	contact

	mu      sync.Mutex
	loading map[string]*sync.Once          // group/version to the load of its schema
	defined map[object.GroupKind][]defined // kinds that CRDs of this plan define
}

// defined is a kind as a CustomResourceDefinition of the plan defines it.
type defined struct {
	resource   providers.Resource
	by         object.ID
	definition *crdschema.Definition // nil: it cannot be read
}

// sessions holds one session per cluster that a plan touches, and per identity there.
type sessions struct {
	engine     *Engine
	offline    bool
	byName     map[string]*session // by the cluster's name, and as whom
	configured map[string]*lang.Cluster
	inFlight   chan struct{} // one per write in flight, to whichever cluster
}

func (e *Engine) newSessions(offline bool) *sessions {
	return &sessions{engine: e, offline: offline, byName: map[string]*session{}, configured: map[string]*lang.Cluster{}, inFlight: make(chan struct{}, e.options.InFlight)}
}

// known makes a cluster of the configuration known, for recorded to find.
func (s *sessions) known(c *lang.Cluster) { s.configured[c.Name] = c }

// add registers a cluster of the configuration, and as whom requests are made there.
func (s *sessions) add(c *lang.Cluster, as *target.Impersonation) *session {
	return s.open(c.Name, c.Connection, c.Credentials, as)
}

// recorded returns the session of the cluster that a record names: the one of the
// configuration where it still has it, else one made from the record. Requests are made as
// whom the application was last applied.
func (s *sessions) recorded(record *state.Record) *session {
	return s.recordedAs(record, record.Settings.As)
}

func (s *sessions) recordedAs(record *state.Record, as *target.Impersonation) *session {
	c := record.Cluster
	if have, ok := s.configured[c.Name]; ok {
		return s.add(have, as)
	}
	return s.open(c.Name, c.Connection, target.Credentials{}, as)
}

func (s *sessions) open(name string, connection target.Connection, credentials target.Credentials, as *target.Impersonation) *session {
	key := name
	if as != nil {
		key += "\x00" + digestOf(as)
	}
	if have, ok := s.byName[key]; ok {
		return have
	}
	made := &session{
		name: name, connection: connection, credentials: credentials, as: as,
		slots: make(chan struct{}, s.engine.options.Parallelism), all: s.inFlight, prepared: make(chan struct{}),
		schemas: diff.NewSchemas(), loading: map[string]*sync.Once{}, defined: map[object.GroupKind][]defined{},
	}
	s.byName[key] = made
	return made
}

// list returns the sessions sorted by name, and by as whom.
func (s *sessions) list() []*session {
	out := make([]*session, 0, len(s.byName))
	for _, key := range slices.Sorted(maps.Keys(s.byName)) {
		out = append(out, s.byName[key])
	}
	return out
}

// connect reads who each cluster is, side by side. A cluster that does not
// answer keeps its error; the others are not held up.
func (s *sessions) connect(ctx context.Context) {
	if s.offline {
		return
	}
	all := s.list()
	parallel(ctx, len(all), len(all), func(i int) {
		all[i].connect(ctx, s.engine)
	})
	for _, session := range all {
		if session.err == nil && session.cluster == nil {
			session.err = context.Cause(ctx)
		}
	}
}

// connect reads who the cluster is.
func (s *session) connect(ctx context.Context, e *Engine) {
	connection := s.connection
	connection.As = s.as
	if s.cluster, s.err = e.connect(s.name, connection, s.credentials); s.err == nil {
		s.info, s.err = s.cluster.Info(ctx)
	}
}

// resource tells how a kind is served. pending means that a definition in this
// plan will serve it.
func (s *session) resource(ctx context.Context, gvk object.GVK) (resource providers.Resource, pending bool, err error) {
	if s.cluster != nil {
		resource, err = s.cluster.Resource(ctx, gvk)
		if err == nil || !errors.Is(err, providers.ErrUnknownKind) {
			return resource, false, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.defined[gvk.GroupKind()] {
		if d.resource.GVK == gvk {
			return d.resource, true, nil
		}
	}
	if versions := s.defined[gvk.GroupKind()]; len(versions) > 0 {
		return resource, false, fmt.Errorf("%w: %s is defined in this plan, but not in version %s", providers.ErrUnknownKind, gvk.GroupKind(), gvk.Version)
	}
	if s.cluster == nil {
		return GuessResource(gvk), false, nil
	}
	if guesses, ok := s.cluster.(guesser); ok && errors.Is(err, providers.ErrUnknownKind) {
		return guesses.Guess(gvk), false, nil
	}
	return resource, false, err
}

// guesser is a cluster that is none, and has kinds that nobody has defined.
type guesser interface {
	Guess(gvk object.GVK) providers.Resource
}

// owned tells how an object of the state is served: in the version that it was
// written in, or in whichever the server has now.
func (s *session) owned(ctx context.Context, o *state.Owned) (providers.Resource, error) {
	gvk := object.GVK{Group: o.ID.Group, Version: o.Version, Kind: o.ID.Kind}
	resource, err := s.cluster.Resource(ctx, gvk)
	if err == nil || !errors.Is(err, providers.ErrUnknownKind) {
		return resource, err
	}
	all, listErr := s.cluster.Resources(ctx)
	if listErr != nil {
		return resource, listErr
	}
	for _, r := range all {
		if r.GVK.GroupKind() == o.ID.GroupKind() {
			return r, nil
		}
	}
	return resource, err
}

// define records the kinds that a CustomResourceDefinition of this plan defines.
func (s *session) define(crd object.Object) error {
	group, kind := text(crd, "spec", "group"), text(crd, "spec", "names", "kind")
	if group == "" || kind == "" {
		return nil
	}
	versions, _ := crd.Get("spec", "versions")
	list, _ := versions.([]any)
	definition, err := crdschema.New(crd)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	gk := object.GroupKind{Group: group, Kind: kind}
	for _, item := range list {
		version, _ := item.(map[string]any)
		name, _ := version["name"].(string)
		if served, isBool := version["served"].(bool); name == "" || isBool && !served {
			continue
		}
		s.defined[gk] = append(s.defined[gk], defined{by: crd.ID(), definition: definition, resource: providers.Resource{
			GVK:        object.GVK{Group: group, Version: name, Kind: kind},
			Plural:     text(crd, "spec", "names", "plural"),
			Namespaced: text(crd, "spec", "scope") == "Namespaced",
		}})
	}
	return s.schemas.AddCRD(crd)
}

// schema returns the type of a kind, loading its group and version from the
// server once; nil where the server gives none.
func (s *session) schema(ctx context.Context, gvk object.GVK) *diff.Type {
	if s.cluster != nil {
		key := gvk.APIVersion()
		s.mu.Lock()
		once, ok := s.loading[key]
		if !ok {
			once = &sync.Once{}
			s.loading[key] = once
		}
		s.mu.Unlock()
		once.Do(func() {
			document, _, err := s.cluster.OpenAPI(ctx, gvk.Group, gvk.Version)
			if err != nil {
				return // without a schema everything is asked of the server
			}
			// A document that cannot be read counts as none, likewise.
			_ = s.schemas.Add(gvk.Group, gvk.Version, document)
		})
	}
	typ, ok := s.schemas.Type(gvk)
	if !ok {
		return nil
	}
	return typ
}

// defines reports whether this plan has a definition of a kind in a version.
func (s *session) defines(gvk object.GVK) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.defined[gvk.GroupKind()], func(d defined) bool { return d.resource.GVK == gvk })
}

// otherVersion tells how the server has a kind in another version, nil where it
// does not have it.
func (s *session) otherVersion(ctx context.Context, kind object.GroupKind) *providers.Resource {
	if s.cluster == nil {
		return nil
	}
	all, err := s.cluster.Resources(ctx)
	if err != nil {
		return nil // then the kind is taken for new, and apply finds the object there
	}
	for _, r := range all {
		if r.GVK.GroupKind() == kind {
			return &r
		}
	}
	return nil
}

// capabilities are what charts are told about the cluster.
func (s *session) capabilities() providers.Capabilities {
	return providers.Capabilities{KubeVersion: s.info.Version, APIVersions: s.info.APIVersions}
}

// text returns the string at a path, empty where there is none.
func text(o object.Object, path ...string) string {
	value, _ := o.Get(path...)
	s, _ := value.(string)
	return s
}

// slot waits for room for one more write, to this cluster and to all of them, and returns
// what gives it back. It is held for a request, never while waiting for what a request
// brings about.
func (s *session) slot(ctx context.Context) (func(), error) {
	for _, room := range []chan struct{}{s.slots, s.all} { // the own first: who waits for it holds up no other cluster
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			if room == s.all {
				<-s.slots
			}
			return nil, context.Cause(ctx)
		}
	}
	return func() { <-s.all; <-s.slots }, nil
}
