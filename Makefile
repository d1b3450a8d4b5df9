# Qingdan 轻担. `make` prints what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
READY  := $(VENV)/.ready
MEMBERS := $(dir $(wildcard shared/*/pyproject.toml services/*/pyproject.toml))
PROJECTS := $(wildcard shared/*/pyproject.toml services/*/pyproject.toml)
COMPILE := pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links \
	$(foreach member,$(MEMBERS),--no-emit-package $(notdir $(patsubst %/contracts,%/qingdan,$(patsubst %/,%,$(member)))))
IMAGED := $(patsubst %/pyproject.toml,%,$(wildcard services/*/pyproject.toml)) shared/devkit
ONLY ?=

export PYTHONDONTWRITEBYTECODE := 1

##@ Use it

.PHONY: demo
demo: $(READY) ## the story of a county on real Kafka and PostgreSQL; figures in var/demo.json
	@$(BIN)/python -m devkit demo

.PHONY: up
up: $(READY) ## start everything on this machine and print the addresses; Ctrl-C stops all
	@$(BIN)/python -m devkit up

.PHONY: down
down: $(READY) ## end what a crashed `make up` left behind
	@$(BIN)/python -m devkit down

##@ Work on it

.PHONY: test
test: $(READY) check ## all tests: unit, contracts, integration, broker, chaos, the story
	@$(BIN)/pytest tests/contracts tests/integration tests/broker tests/chaos tests/e2e -n 2 --dist loadfile

.PHONY: check
check: $(READY) format-check lint types lock-check schemas-check ## formatting, lint, types, import contracts, unit and architecture tests (under 30 s)
	@$(BIN)/lint-imports --no-cache > var/lint-imports.log || { cat var/lint-imports.log; exit 1; }
	@$(BIN)/pytest tests/unit tests/architecture -n 2

.PHONY: format
format: $(READY) ## rewrite the code in the one format
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --quiet --fix .

.PHONY: format-check lint types lock-check schemas-check
format-check: $(READY)
	@$(BIN)/ruff format --quiet --check .
lint: $(READY)
	@$(BIN)/ruff check --quiet .
types: $(READY)
	@$(BIN)/mypy --no-error-summary $(dir $(wildcard $(addsuffix */__init__.py,$(MEMBERS))))
lock-check: $(READY)
	@$(BIN)/python -m devkit lock-check
schemas-check: $(READY)
	@$(BIN)/python -m qingdan.generate --check

.PHONY: bench
bench: $(READY) ## measure against references in the same run; ONLY=commands,relay,events picks; figures in var/bench.json
	@$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY))

##@ Ship it

.PHONY: images
images: $(READY) ## build all images by buildah or docker, without a network; ONLY=tasks,kafka picks; archives in var/images
	@$(BIN)/python -m devkit images $(if $(ONLY),--only $(ONLY))

.PHONY: manifests
manifests: $(READY) ## every overlay renders, is what Kubernetes knows, and holds to our policies (needs kubectl, no cluster)
	@$(BIN)/pytest tests/manifests

.PHONY: cluster-demo
cluster-demo: $(READY) ## install into the cluster that KUBECONFIG names, tell the story there, disturb it (LOAD_IMAGE or REGISTRY)
	@$(BIN)/python -m devkit cluster demo

##@ Change what is generated

.PHONY: schemas
schemas: $(READY) ## JSON Schemas, golden vectors and the AsyncAPI document, from the registry
	@$(BIN)/python -m qingdan.generate

.PHONY: lock
lock: $(READY) ## add what the pyprojects ask for to the locks; keeps every pin that still fits
	@$(UV) $(COMPILE) $(PROJECTS) --group pyproject.toml:dev --output-file requirements.lock
	@for member in $(IMAGED); do $(UV) $(COMPILE) --constraint requirements.lock \
		shared/contracts/pyproject.toml shared/runtime/pyproject.toml $$member/pyproject.toml \
		--output-file $$member/requirements.lock; done

.PHONY: kafka-jars
kafka-jars: $(READY) ## pin Kafka's jars anew, by their SHA-256, after its version changed
	@$(BIN)/python -m devkit kafka-jars --write

.PHONY: help
help:
	@awk 'BEGIN { FS = ":.*## "; print "Qingdan 轻担: make <target>" } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The only thing a machine needs first is Python with pip and make: uv comes from the same index as everything else.
$(READY): requirements.lock $(PROJECTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Qingdan needs Python 3.11 or newer; set PYTHON=…"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@echo "installing what requirements.lock pins"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes --requirements requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix --editable ,$(MEMBERS))
	@mkdir -p var && touch $@
