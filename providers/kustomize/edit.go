package kustomize

import (
	"fmt"
	"io/fs"
	"maps"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	"sigs.k8s.io/yaml"

	"github.com/gantrycd/gantry/plan/source"
	"github.com/gantrycd/gantry/providers/filetree"
)

// edit returns a kustomization changed by the source's options, as Argo CD
// does by "kustomize edit": prefix, suffix and namespace replace those there,
// images and replicas merge by name, labels and annotations by key, patches and
// components come after those there.
func edit(tree fs.FS, dir string, data []byte, o source.Kustomize) ([]byte, error) {
	var k types.Kustomization
	if err := k.Unmarshal(data); err != nil {
		return nil, err
	}
	k.FixKustomization()
	setIf(&k.NamePrefix, o.NamePrefix)
	setIf(&k.NameSuffix, o.NameSuffix)
	setIf(&k.Namespace, o.Namespace)
	if len(o.Images) > 0 {
		var err error
		if k.Images, err = mergeImages(k.Images, o.Images); err != nil {
			return nil, err
		}
	}
	editLabels(&k, o)
	if len(o.Annotations) > 0 {
		annotations := maps.Clone(k.CommonAnnotations)
		if annotations == nil {
			annotations = map[string]string{}
		}
		maps.Copy(annotations, o.Annotations)
		k.CommonAnnotations = annotations
	}
	k.Replicas = mergeReplicas(k.Replicas, o.Replicas)
	for i, p := range o.Patches {
		patch, err := newPatch(p)
		if err != nil {
			return nil, fmt.Errorf("patch %d: %w", i+1, err)
		}
		k.Patches = append(k.Patches, patch)
	}
	for _, component := range o.Components {
		name, err := filetree.Join(dir, component)
		if err != nil {
			return nil, fmt.Errorf("component: %w", err)
		}
		if _, err := filetree.Stat(tree, name); err != nil {
			return nil, fmt.Errorf("component: %w", err)
		}
		k.Components = append(k.Components, component)
	}
	return yaml.Marshal(k)
}

func setIf(field *string, value string) {
	if value != "" {
		*field = value
	}
}

// editLabels adds the labels to all objects and, unless told otherwise, to their
// selectors and templates.
func editLabels(k *types.Kustomization, o source.Kustomize) {
	if len(o.Labels) == 0 {
		return
	}
	for key := range o.Labels {
		delete(k.CommonLabels, key) //nolint:staticcheck // deprecated, and still in the kustomizations of users
		for _, label := range k.Labels {
			delete(label.Pairs, key)
		}
	}
	k.Labels = append(k.Labels, types.Label{
		Pairs:            o.Labels,
		IncludeSelectors: !o.LabelWithoutSelector,
		IncludeTemplates: o.LabelIncludeTemplates,
	})
}

func mergeReplicas(replicas []types.Replica, changes []source.KustomizeReplica) []types.Replica {
next:
	for _, change := range changes {
		replica := types.Replica{Name: change.Name, Count: change.Count}
		for i := range replicas {
			if replicas[i].Name == change.Name {
				replicas[i] = replica
				continue next
			}
		}
		replicas = append(replicas, replica)
	}
	return replicas
}

func newPatch(p source.KustomizePatch) (types.Patch, error) {
	if (p.Patch == "") == (p.Path == "") {
		return types.Patch{}, fmt.Errorf("expected either patch or path")
	}
	patch := types.Patch{Patch: p.Patch, Path: p.Path}
	if t := p.Target; t != nil {
		patch.Target = &types.Selector{
			ResId: resid.ResId{
				Gvk:       resid.Gvk{Group: t.Group, Version: t.Version, Kind: t.Kind},
				Name:      t.Name,
				Namespace: t.Namespace,
			},
			LabelSelector:      t.LabelSelector,
			AnnotationSelector: t.AnnotationSelector,
		}
	}
	if len(p.Options) > 0 {
		patch.Options = &types.PatchArgs{}
		for option, on := range p.Options {
			switch option {
			case "allowNameChange":
				patch.Options.AllowNameChange = on
			case "allowKindChange":
				patch.Options.AllowKindChange = on
			default:
				return types.Patch{}, fmt.Errorf("option %q: expected allowNameChange or allowKindChange", option)
			}
		}
	}
	return patch, nil
}
