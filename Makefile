# Everything one does daily. `make help` lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JS_TESTS := tests/integration/js
PORT ?= 4000

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(VENV)/installed ## Start the broker with a demo SillyTavern and stream a first answer.
	$(BIN)/tapster demo --port $(PORT)

.PHONY: serve
serve: $(VENV)/installed ## Start the broker alone.
	$(BIN)/tapster serve --port $(PORT)

.PHONY: test
test: $(VENV)/installed-dev $(JS_TESTS)/node_modules/.installed ## Install what the tests need and run them all.
	$(BIN)/pytest

.PHONY: test-unit
test-unit: $(VENV)/installed-dev ## Run the tests that need neither Node nor a broker process.
	$(BIN)/pytest --ignore tests/integration

.PHONY: test-plain
test-plain: $(VENV)/installed-dev $(JS_TESTS)/node_modules/.installed ## Run the integration tests without the fast lane.
	TAPSTER_FAST_LANE=0 $(BIN)/pytest tests/integration

.PHONY: lint
lint: $(VENV)/installed-dev ## Check style, format and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: format
format: $(VENV)/installed-dev ## Mend style and format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench-quick
bench-quick: $(VENV)/installed-dev bench/node_modules/.installed ## Measure beside the peers, in a minute.
	$(BIN)/python bench/run.py --quick

.PHONY: bench-actors
bench-actors: $(VENV)/installed ## Measure the actor runtime beside Pykka's own.
	$(BIN)/python scripts/bench_actors.py

.PHONY: vendor
vendor: scripts/vendor/node_modules/.installed ## Make anew what /lib serves, from packages of npm.
	node scripts/vendor/vendor.mjs

.PHONY: clean
clean: ## Remove what was installed and built; settings and data stay.
	rm -rf $(VENV) build *.egg-info $(JS_TESTS)/node_modules bench/node_modules
	rm -rf scripts/vendor/node_modules
	rm -rf .mypy_cache .pytest_cache .ruff_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/installed

%/node_modules/.installed: %/package-lock.json
	cd $* && npm ci --no-audit --no-fund --loglevel=error
	@touch $@
