package lang_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/gantrycd/gantry/lang"
)

// workload is a configuration of n blocks, in files of 500: half of them local
// values and half applications, each referring to others.
func workload(n int) map[string]string {
	entries := map[string]string{
		"base.gantry.hcl": "cluster \"prod\" { context = \"prod\" }\nrepository \"config\" { url = \"https://git.example.com/config\" }\nproject \"p\" {}\n",
	}
	var b strings.Builder
	for i := range n / 2 {
		fmt.Fprintf(&b, "locals {\n  value_%d = { name = \"service-%d\", replicas = %d + 1, labels = { team = \"team-%d\", tier = \"backend\" } }\n}\n", i, i, i%7, i%50)
		fmt.Fprintf(&b, `application "service_%d" {
  project = project.p

  source {
    repository = repository.config
    path       = "apps/${local.value_%d.name}/overlays/production"
    kustomize {
      images   = ["registry.example.com/${local.value_%d.name}:v1.2.3"]
      replicas = { web = local.value_%d.replicas }
    }
  }

  destination {
    cluster   = cluster.prod
    namespace = "services-%d"
  }

  sync {
    automated {
      prune     = true
      self_heal = true
    }
    create_namespace = true
  }

  labels = merge(local.value_%d.labels, { index = "%d" })
  info   = { description = "%s" }
`, i, i, i, i, i%20, i, i, strings.Repeat("x", 300))
		if i > 0 {
			fmt.Fprintf(&b, "  depends_on = [application.service_%d]\n", i-1)
		}
		b.WriteString("}\n")
		if i%250 == 249 {
			entries[fmt.Sprintf("services-%d.gantry.hcl", i)] = b.String()
			b.Reset()
		}
	}
	entries["rest.gantry.hcl"] = b.String()
	return entries
}

// BenchmarkBlocks loads and evaluates configurations of many blocks; its time
// must grow as they do.
func BenchmarkBlocks(b *testing.B) {
	for _, n := range []int{1_000, 5_000, 10_000, 50_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tree := files(workload(n))
			size := 0
			for _, file := range tree {
				size += len(file.Data)
			}
			b.ReportMetric(float64(size)/(1<<20), "MiB")
			for b.Loop() {
				m, diags := lang.Load("", lang.LoadOptions{FS: tree})
				config, more := m.Evaluate(context.Background(), lang.EvalOptions{Reader: fakeReader{}})
				if diags.HasErrors() || more.HasErrors() || len(config.Applications) != n/2 {
					b.Fatal(diags, more)
				}
			}
		})
	}
}

// BenchmarkMatrix evaluates one application over a matrix.
func BenchmarkMatrix(b *testing.B) {
	for _, n := range []int{1_000, 5_000, 20_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tree := files(map[string]string{"a.gantry.hcl": fmt.Sprintf(`
cluster "c" {
  for_each = toset([for i in range(50) : "cluster-${i}"])
  context  = each.key
  labels   = { region = "r-${each.key}" }
}
generator "clusters" "all" {}
generator "list" "apps" { elements = [for i in flatten([for a in range(%d) : [for b in range(20) : a * 20 + b]]) : { key = "app-${i}", path = "apps/${i}" }] }
generator "matrix" "all" { generators = [generator.clusters.all, generator.list.apps] }
application "service" {
  for_each = generator.matrix.all
  source {
    url  = "https://git.example.com/config"
    path = each.value.path
  }
  destination {
    cluster   = each.value.cluster
    namespace = "services"
  }
  labels = { region = each.value.labels.region }
}
`, n/50/20)})
			m, diags := lang.Load("", lang.LoadOptions{FS: tree})
			if diags.HasErrors() {
				b.Fatal(diags)
			}
			for b.Loop() {
				config, diags := m.Evaluate(context.Background(), lang.EvalOptions{Reader: fakeReader{}})
				if diags.HasErrors() || len(config.Applications) != n {
					b.Fatal(len(config.Applications), diags)
				}
			}
		})
	}
}
