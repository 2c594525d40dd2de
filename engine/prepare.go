package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gantrycd/gantry/providers"
)

// prepare begins to make ready what is applied, each cluster by itself: that it is reached,
// and is the one that was planned for, that the applications' records are read, and that
// what the plan relied on still holds. Steps wait for their own cluster alone, so that one
// that does not answer holds up nobody else.
func (a *applying) prepare(ctx context.Context) {
	for _, p := range a.apps {
		switch {
		case p.app.IsBlocked() && p.app.Blocked[len(p.app.Blocked)-1].Summary == notAllowed:
			p.refused = true
			p.skip(p.app.Blocked[len(p.app.Blocked)-1].Detail)
		case p.app.IsBlocked() && p.app.Blocked[len(p.app.Blocked)-1].Summary == NotApproved:
			p.skip(p.app.Blocked[len(p.app.Blocked)-1].Detail)
		case p.app.IsBlocked():
			p.skip("it is blocked: " + p.app.Blocked[0].Detail)
		case p.session == nil:
			p.skip(fmt.Sprintf("the plan does not say how to reach cluster %q", p.app.Cluster))
		}
	}
	for _, p := range a.apps {
		p.heedHold(ctx)
	}
	a.withinBudgets()
	for _, session := range a.sessions.list() {
		a.preparing.Go(func() {
			defer close(session.prepared)
			checked := false
			defer func() {
				for _, p := range a.apps {
					if p.session == session && !checked { // it panics, and steps go by what was found so far
						p.skip("what the plan relied on was not checked. This is a bug in gantry")
					}
				}
			}()
			a.reach(ctx, session)
			var apps []*progress
			for _, p := range a.apps {
				if p.session != session {
					continue
				}
				if session.err != nil {
					p.skip(clusterError(session).Error())
				}
				if !p.isSkipped() && p.app.HasChanges() {
					apps = append(apps, p)
				}
			}
			if session.err == nil {
				left := a.confirmed(a.load(ctx, apps))
				a.verifyCluster(ctx, session, left)
				a.police(ctx, session, left)
			}
			checked = true
		})
	}
}

// reachTime is how long a cluster may refuse connections when an apply begins: its server
// restarts.
const reachTime = 15 * time.Second

// reach connects to a cluster and makes sure that it is the one planned for.
func (a *applying) reach(ctx context.Context, s *session) {
	started := time.Now()
	for s.connect(ctx, a.engine); errors.Is(s.err, providers.ErrUnreachable); s.connect(ctx, a.engine) {
		const wait = time.Second
		if time.Since(started)+wait > reachTime || pause(ctx, wait) != nil {
			break
		}
	}
	for i := range a.plan.Clusters {
		c := &a.plan.Clusters[i]
		if c.Name == s.name && s.err == nil && s.info.UID != c.UID {
			s.err = fmt.Errorf("it is not the cluster that was planned for: its kube-system namespace has uid %s, and the plan was made for %s at %s", s.info.UID, c.UID, c.Server)
		}
	}
}

// load reads the records of applications of one cluster, settles those that an earlier
// apply of the plan has done, and returns those that are left to do.
func (a *applying) load(ctx context.Context, apps []*progress) []*progress {
	var there parents
	if len(apps) > 0 {
		there = a.parentsOf(ctx, apps[0].session)
	}
	parallel(ctx, a.engine.options.Parallelism, len(apps), func(i int) {
		p := apps[i]
		p.parents = there
		record, version, err := p.settled(ctx)
		if err != nil {
			p.skip(err.Error())
			return
		}
		if why := there.older(record, p.session.name, p.app.Address, p.app.MovedFrom); why != "" {
			p.skip(why)
			return
		}
		if p.heedRights(ctx, record); p.isSkipped() {
			return
		}
		if why := p.staleRecord(record); why != "" {
			p.skip(staleError(why).Error())
			return
		}
		if p.isDone(record) {
			p.earlier, p.outcome = true, OutcomeSucceeded
			return
		}
		p.adopt(record, version)
	})
	left := make([]*progress, 0, len(apps))
	for _, p := range apps {
		if p.record != nil {
			left = append(left, p)
		}
	}
	return left
}

// untilPrepared waits until what the application needs to know of its cluster is known.
func (p *progress) untilPrepared() {
	if p.session != nil {
		<-p.session.prepared
	}
}
