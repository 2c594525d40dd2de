package risk

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gantrycd/gantry/plan"
	"github.com/gantrycd/gantry/plan/object"
	"github.com/gantrycd/gantry/plan/riskcode"
)

// privilege is something that a pod may do to its node or beyond its containers.
type privilege struct {
	text     string
	severity plan.Severity
}

// privileges tells what a change lets pods do that the profile "baseline" of the Pod
// Security Standards does not let them.
func (a *assessment) privileges(item *Item) {
	if item.After == nil {
		return
	}
	before, after := privilegesOf(item.Before), privilegesOf(item.After)
	severity := plan.Low
	var paths, texts []string
	for _, path := range slices.Sorted(maps.Keys(after)) {
		p := after[path]
		if was, had := before[path]; had && was.text == p.text {
			continue
		}
		paths, texts, severity = append(paths, path), append(texts, p.text), worse(severity, p.severity)
	}
	if len(paths) == 0 {
		return
	}
	a.add(riskcode.PodPrivileges, severity, item, paths, fmt.Sprintf("The pods of %s get more than a pod has: %s.", item.Change.ID, strings.Join(unique(texts), "; ")))
}

// privilegesOf returns what the pods of an object may do beyond the baseline, by path.
func privilegesOf(o object.Object) map[string]privilege {
	out := map[string]privilege{}
	template, at := templateOf(o)
	if template == nil {
		return out
	}
	for member, p := range map[string]privilege{
		"hostNetwork": {"the network of their node", plan.Medium},
		"hostPID":     {"all processes of their node", plan.High},
		"hostIPC":     {"the shared memory of their node", plan.Medium},
	} {
		if flag(template, "spec", member) {
			out[below(at, "spec."+member)] = p
		}
	}
	all := containers(o)
	volumes, _ := template.Get("spec", "volumes")
	for _, v := range objects(volumes) {
		if path := str(v, "hostPath", "path"); path != "" {
			p := privilege{fmt.Sprintf("%s of their node, read-only", path), plan.Medium}
			if writes(all, str(v, "name")) {
				p = privilege{fmt.Sprintf("%s of their node, to write", path), plan.High}
			}
			out[below(at, "spec.volumes"+key("name", str(v, "name"))+".hostPath")] = p
		}
	}
	for _, c := range all {
		containerPrivileges(c, out)
	}
	return out
}

// writes reports whether a container mounts a volume not only to read it.
func writes(all []container, volume string) bool {
	for _, c := range all {
		mounts, _ := c.Get("volumeMounts")
		for _, m := range objects(mounts) {
			if str(m, "name") == volume && !flag(m, "readOnly") {
				return true
			}
		}
	}
	return false
}

func containerPrivileges(c container, out map[string]privilege) {
	name := str(c.Object, "name")
	if flag(c.Object, "securityContext", "privileged") {
		out[c.path+".securityContext.privileged"] = privilege{fmt.Sprintf("container %s everything on their node (privileged)", name), plan.High}
	}
	if flag(c.Object, "securityContext", "windowsOptions", "hostProcess") {
		out[c.path+".securityContext.windowsOptions.hostProcess"] = privilege{fmt.Sprintf("container %s everything on their node (hostProcess)", name), plan.High}
	}
	if str(c.Object, "securityContext", "procMount") == "Unmasked" {
		out[c.path+".securityContext.procMount"] = privilege{fmt.Sprintf("container %s an unmasked /proc", name), plan.Medium}
	}
	added, _ := c.Get("securityContext", "capabilities", "add")
	var beyond []string
	severity := plan.Medium
	for _, capability := range strs(added) {
		short := strings.TrimPrefix(strings.ToUpper(capability), "CAP_")
		if baseline(short) {
			continue
		}
		beyond = append(beyond, short)
		if slices.Contains([]string{"ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE"}, short) {
			severity = plan.High
		}
	}
	if len(beyond) > 0 {
		out[c.path+".securityContext.capabilities.add"] = privilege{fmt.Sprintf("container %s the capabilities %s", name, words(beyond)), severity}
	}
	ports, _ := c.Get("ports")
	for i, p := range objects(ports) {
		if port, ok := integer(p["hostPort"]); ok && port > 0 {
			number, _ := integer(p["containerPort"])
			protocol := str(p, "protocol")
			if protocol == "" {
				protocol = "TCP"
			}
			at := fmt.Sprintf("%s.ports[containerPort=%d,protocol=%s].hostPort", c.path, number, protocol)
			if number == 0 {
				at = fmt.Sprintf("%s.ports[%d].hostPort", c.path, i)
			}
			out[at] = privilege{fmt.Sprintf("port %d of their node", port), plan.Low}
		}
	}
}

// baseline reports whether the Pod Security Standards let every pod add a capability.
func baseline(capability string) bool {
	switch capability {
	case "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
		"SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT":
		return true
	}
	return false
}
