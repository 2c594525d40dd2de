# `make` lists the targets. Nothing needs to be installed but Go, git and bash.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help build cluster demo demo-up demo-down demo-pr test check bench conformance conformance-record soak fmt clean

GO_FILES := $(shell find cmd engine lang plan providers state examples -name '*.go' -not -path '*/testdata/*' 2>/dev/null)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/gantry
	@mkdir -p bin
	go build -trimpath -ldflags '-s -w' -o bin/gantry ./cmd/gantry

cluster: ## build bin/gantry-cluster, a local Kubernetes (minutes the first time, then cached)
	@mkdir -p bin
	@binary="$$(cmd/gantry-cluster/build.sh)"; ln -sfn "$$binary" bin/gantry-cluster

demo: ## from nothing to two clusters, a plan, its apply, drift and destroy
	@examples/quickstart/demo.sh

demo-up: ## the demo's clusters and repository, left there for exploring
	@examples/quickstart/demo.sh up

demo-down: ## end what demo-up left
	@examples/quickstart/demo.sh down

demo-pr: build cluster ## a pull request on a real forge: planned, reviewed, merged, applied (builds Gitea, minutes the first time)
	@GANTRY_STORY=1 GANTRY_BINARY="$(CURDIR)/bin/gantry" GANTRY_CLUSTER_BINARY="$(CURDIR)/bin/gantry-cluster" go test ./cmd/gantry -count=1 -v -run '^TestPullRequestStory$$'

test: ## check, and every test of both modules
	@.ci/test

check: ## format, vet, lint, import directions, generated files, go.mod
	@.ci/check

bench: build cluster ## measure 100, 1,000 and 10,000 objects; minutes
	go run ./cmd/internal/bench -check
	GANTRY_BENCH_OBJECTS=10000 GANTRY_BENCH_CHECK=1 go test ./cmd/internal/bench/overhead -run '^$$' -bench Overhead -benchtime 3x -timeout 1h

conformance: ## hold it against recorded answers of Argo CD, and count
	@go run ./cmd/internal/conformance

conformance-record: ## the same, and write the counts into docs/conformance.md
	@go run ./cmd/internal/conformance -record

soak: ## the tests that take long: every test three times with the race detector
	@GANTRY_SOAK=1 .ci/test

fmt: ## format every Go file
	@"$$(.ci/tool gofumpt)" -w $(GO_FILES)

clean: ## remove what was built here (the caches stay)
	rm -rf bin dist
