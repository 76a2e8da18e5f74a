# The door to everything; `make help` prints this list. Commands run on the Node that package-lock.json brings.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help start build images minikube deploy forward undeploy parts start-real test test-real load bench bench-growth check format docs clean
PEERS := test/bench/peer/node_modules
RUN := export PATH="$(CURDIR)/node_modules/.bin:$$PATH" && exec

help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

##@ On this machine
start: node_modules/.installed ## Run the whole event flow here: the cluster's YAML, embedded Kafka and PostgreSQL
	@$(RUN) node --disable-warning=TimeoutNegativeWarning --max-semi-space-size=16 --import ./local/node-version.mjs local/main.ts

parts: node_modules/.installed ## Install real Kafka, daprd, PostgreSQL and Redis into a cache, and tell what is missing
	@$(RUN) node local/real/parts.ts

start-real: node_modules/.installed ## The same flow on the real servers
	@$(RUN) node --disable-warning=TimeoutNegativeWarning --max-semi-space-size=16 --import ./local/node-version.mjs local/real/start.ts

##@ For the cluster
build: node_modules/.installed ## Bundle each function into its folder, for func deploy
	@rm -rf functions/*/dist cli/dist
	@$(RUN) rolldown -c rolldown.config.ts

images: ## Build the image of each function and push it: REGISTRY=registry.example.com/task-events TAG=0.1.0
	@bash knative/script/images.sh

minikube: ## A cluster on this machine: Knative, Kafka, Dapr, PostgreSQL, Redis (docs/cluster.md)
	@bash knative/script/minikube.sh

deploy: build ## Deploy all to it by func and kubectl, and wait until it is Ready
	@bash knative/script/deploy.sh

forward: node_modules/.installed ## Bring the cluster's 8001-8004, Broker and Kafka to localhost, sleeping functions too
	@$(RUN) node local/cluster/forward.ts

undeploy: ## Take away what deploy brought; DATA=delete: the data as well
	@bash knative/script/undeploy.sh

##@ Before a commit
test: node_modules/.installed ## Run the tests
	@$(RUN) vitest run --project parts --project flow

test-real: node_modules/.installed ## Run the suites on the real servers, installing what is missing
	@$(RUN) vitest run --project 'real*'

load: node_modules/.installed ## 100,000 events through the real servers to 200 WebSocket clients: rates, latency, memory, CPU
	@$(RUN) node --disable-warning=TimeoutNegativeWarning test/load/main.ts

bench: build $(PEERS)/.installed ## Ours and the peers side by side, under 10 minutes; PART=intake: one part
	@$(RUN) node --disable-warning=TimeoutNegativeWarning test/bench/main.ts

bench-growth: build $(PEERS)/.installed ## How it behaves as the log and the crowd grow: up to an hour; GROWTH_ROWS=1000000: a shorter log
	@PART=growth; export PART; $(RUN) node --disable-warning=TimeoutNegativeWarning test/bench/main.ts

check: node_modules/.installed ## Types, lint with type information, import rule and format, as CI does
	@$(RUN) npm run --silent check

format: node_modules/.installed ## Format everything
	@$(RUN) oxfmt

docs: node_modules/.installed ## Write docs/asyncapi.yaml and docs/schema/ anew from the contract
	@$(RUN) node docs/generate/main.ts

clean: ## Remove what was installed, built and recorded here
	rm -rf node_modules $(PEERS) functions/*/dist cli/dist .state

node_modules/.installed: package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	-@$(RUN) node local/warm.ts
	@touch $@

$(PEERS)/.installed: test/bench/peer/package-lock.json node_modules/.installed
	@$(RUN) npm ci --prefix test/bench/peer --no-audit --no-fund --loglevel=error
	@touch $@
