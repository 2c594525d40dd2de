package html

import (
	"cmp"
	"slices"
)

// layOut gives every node a layer, one more than the last of the nodes that it needs,
// and a slot in it, near those; it returns the layers. Among blocks there may be
// cycles: an edge that closes one counts for nothing.
func layOut(nodes []node) [][]int {
	const (
		unseen = iota
		under
		done
	)
	state := make([]int, len(nodes))
	var visit func(int)
	visit = func(n int) {
		state[n] = under
		for _, needed := range nodes[n].needs {
			if state[needed] == unseen {
				visit(needed)
			}
			if state[needed] == done {
				nodes[n].layer = max(nodes[n].layer, nodes[needed].layer+1)
			}
		}
		state[n] = done
	}
	var layers [][]int
	for n := range nodes {
		if state[n] == unseen {
			visit(n)
		}
	}
	for n := range nodes {
		for len(layers) <= nodes[n].layer {
			layers = append(layers, nil)
		}
		layers[nodes[n].layer] = append(layers[nodes[n].layer], n)
	}
	place := func(layer []int) {
		for slot, n := range layer {
			nodes[n].slot = slot
		}
	}
	for _, layer := range layers {
		place(layer)
	}
	// Each layer is sorted by where in the middle the nodes are that its own need.
	for _, layer := range layers[min(1, len(layers)):] {
		middle := map[int]float64{}
		for _, n := range layer {
			sum := 0.0
			for _, needed := range nodes[n].needs {
				sum += float64(nodes[needed].slot) / float64(len(layers[nodes[needed].layer]))
			}
			middle[n] = sum / float64(max(1, len(nodes[n].needs)))
		}
		slices.SortStableFunc(layer, func(a, b int) int { return cmp.Compare(middle[a], middle[b]) })
		place(layer)
	}
	return layers
}
