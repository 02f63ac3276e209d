# Everything runs in .venv. What running needs is installed from requirements.lock, what developing needs from
# requirements-dev.lock, each on first use. `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
MUTATION := $(VENV)/.mutation
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
DATA ?=
ARGS ?=

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(RUNTIME): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "Python 3.11 to 3.13 is needed; name one: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Installing what running needs into $(VENV) (once, about 300 MB) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --requirement requirements.lock
	@$(PIP) --no-deps --editable .
	@touch $@

$(DEV): $(RUNTIME) requirements-dev.lock
	@echo "Installing what developing needs into $(VENV) (once, about 550 MB more) ..."
	@$(PIP) --requirement requirements-dev.lock
	@touch $@

.PHONY: install
install: $(DEV) ## Install everything that developing needs into .venv

.PHONY: demo
demo: $(RUNTIME) ## See it work: a sample feed through a real worker, broker in memory (ARGS=--keep stays)
	@$(BIN)/stream demo $(ARGS)

.PHONY: test
test: $(DEV) ## Run the tests (those on Apache Kafka too, where `make kafka` has run once)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

.PHONY: explore
explore: $(DEV) ## Run the property tests on random examples with a new seed (SEED=12 repeats one)
	.ci/explore.sh $(SEED)

.PHONY: lint
lint: $(DEV) ## Check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m scripts.generate_contracts --check
	$(BIN)/python -m scripts.generate_reference --check
	$(BIN)/python deploy/grafana/generate.py --check

.PHONY: kafka
kafka: $(DEV) ## Start an Apache Kafka node on a free port, without Docker (ARGS="--port 9092"); Ctrl-C stops it
	$(BIN)/python -m tools.kafka_node.run $(ARGS)

.PHONY: faults
faults: $(DEV) ## Kill, starve and cut off workers and broker on a real Kafka, and compare with an oracle (SEEDS=1-60)
	$(BIN)/python -m tests.e2e.faults --seeds $(or $(SEEDS),1-5) --jobs 2 $(ARGS)

.PHONY: soak
soak: $(DEV) ## Half an hour at 70 % of what the workers can do, one of them killed every minute (ARGS="--minutes 5")
	$(BIN)/python -m tests.e2e.soak.run $(ARGS)

.PHONY: fuzz
fuzz: $(DEV) ## Feed mutated messages and pages to the flow (ARGS="--target html --minutes 20")
	$(BIN)/python -m tests.fuzz.run --mutations $(or $(ARGS),--target raw --minutes 5)

$(MUTATION): $(DEV) requirements-mutation.lock
	@$(PIP) --no-deps --requirement requirements-mutation.lock
	@touch $@

.PHONY: mutation
mutation: $(MUTATION) ## Change delivery and decision code at random, and list changes that no test notices (ARGS="--seed 7")
	nice -n 19 $(BIN)/python -m scripts.run_mutation $(ARGS)

.PHONY: observe
observe: $(DEV) ## Run Kafka, two workers, Prometheus and a producer, and check every dashboard and alert (ARGS=--faults)
	$(BIN)/python -m tests.e2e.monitoring.run $(ARGS)

.PHONY: bench
bench: $(DEV) ## Measure speed and memory; on real news with DATA=folder of arabic_news.jsonl.gz
	$(BIN)/python -m benchmarks $(if $(DATA),--data $(DATA)) $(ARGS)

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links \
  --no-annotate --no-header --generate-hashes

RULE := deploy/kubernetes/components/monitoring/alerts.yaml

.PHONY: lock
lock: $(DEV) ## Write the lock files, and everything that is generated: schemas, dashboards, the PrometheusRule
	$(COMPILE) --group dev pyproject.toml --output-file requirements-dev.lock
	$(COMPILE) --constraint requirements-dev.lock pyproject.toml --output-file requirements.lock
	$(COMPILE) --no-deps --group pyproject.toml:mutation --output-file requirements-mutation.lock
	echo hatchling | $(COMPILE) --constraint requirements-dev.lock - --output-file requirements-build.lock
	$(BIN)/python -m scripts.generate_contracts
	$(BIN)/python -m scripts.generate_reference
	$(BIN)/python deploy/grafana/generate.py
	{ sed '/^spec:/q' $(RULE); sed '/^#/d; s/^./  &/' deploy/prometheus/alerts.yml; } >$(RULE).new && mv $(RULE).new $(RULE)

.PHONY: clean
clean: ## Remove the environment and what was built
	rm -rf $(VENV) .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist mutants
