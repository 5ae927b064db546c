# Everything one does daily. `make help` lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JS_TESTS := tests/integration/js
E2E := tests/e2e
BROWSER := tests/browser
AUDIT := build/audit
FUZZ := build/fuzz
PORT ?= 4000

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(VENV)/installed ## Start the broker with a demo SillyTavern and stream a first answer.
	$(BIN)/tapster demo --port $(PORT)

.PHONY: serve
serve: $(VENV)/installed ## Start the broker alone.
	$(BIN)/tapster serve --port $(PORT)

.PHONY: test
test: $(VENV)/installed-dev $(JS_TESTS)/node_modules/.installed ## Install what the tests need and run them all.
	$(BIN)/pytest
	$(MAKE) test-extension test-web

.PHONY: test-extension
test-extension: ## Run the tests of SillyTavern's extension that need no SillyTavern.
	node --test tests/extension/

.PHONY: test-web
test-web: ## Run the tests of the console that need no browser.
	node --test tests/web/

.PHONY: test-unit
test-unit: $(VENV)/installed-dev ## Run the tests that need neither Node nor a broker process.
	$(BIN)/pytest --ignore tests/integration

.PHONY: test-plain
test-plain: $(VENV)/installed-dev $(JS_TESTS)/node_modules/.installed ## Run the integration tests without the fast lane.
	TAPSTER_FAST_LANE=0 $(BIN)/pytest tests/integration

.PHONY: e2e
e2e: e2e-house ## Run the tests with a real SillyTavern in a real browser.
	node --test --test-reporter=spec $(E2E)/all.mjs

.PHONY: e2e-measure
e2e-measure: e2e-house ## Measure the way to the first token, and count lost ones.
	node $(E2E)/measure.mjs

.PHONY: e2e-pictures
e2e-pictures: e2e-house ## Take pictures of the extension's panel.
	node $(E2E)/pictures.mjs

.PHONY: e2e-house
e2e-house: e2e-browser $(VENV)/installed $(JS_TESTS)/node_modules/.installed $(E2E)/node_modules/.installed

.PHONY: test-browser
test-browser: browser-house ## Run the tests of the console in a real browser.
	node --test --test-reporter=spec $(BROWSER)/all.mjs

.PHONY: browser-pictures
browser-pictures: browser-house ## Take pictures of the console, in both themes and three widths.
	node $(BROWSER)/pictures.mjs

.PHONY: browser-house
browser-house: e2e-browser $(VENV)/installed $(JS_TESTS)/node_modules/.installed $(BROWSER)/node_modules/.installed

.PHONY: e2e-browser
e2e-browser:
	@$(E2E)/chromium.sh > /dev/null

.PHONY: torture
torture: $(VENV)/installed-dev $(JS_TESTS)/node_modules/.installed $(FUZZ)/bin/schemathesis ## Kill it, starve it, flood it, lie to it: the long tries, a quarter of an hour.
	rm -f tests/torture/report.txt
	$(BIN)/pytest -m torture tests/torture

.PHONY: netem
netem: $(VENV)/installed-dev ## Try it over a network that loses, delays and is cut; needs root.
	tests/netem/run.sh $(BIN)/pytest

.PHONY: lint
lint: $(VENV)/installed-dev ## Check style, format and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: format
format: $(VENV)/installed-dev ## Mend style and format.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: audit
audit: $(VENV)/installed $(AUDIT)/bin/python ## Ask whether what Tapster is built on has known flaws.
	$(BIN)/python scripts/audit.py $(AUDIT)/bin/pip-audit

.PHONY: bench
bench: $(VENV)/installed-dev bench/node_modules/.installed ## Measure every goal beside the peers, in ten minutes.
	$(BIN)/python bench/run.py

.PHONY: bench-quick
bench-quick: $(VENV)/installed-dev bench/node_modules/.installed ## Measure beside the peers, in a minute.
	$(BIN)/python bench/run.py --quick

.PHONY: profile
profile: $(VENV)/installed-dev bench/node_modules/.installed ## Draw where the broker's time goes while it streams.
	$(BIN)/python bench/flame.py $(SCENARIO)

.PHONY: bench-actors
bench-actors: $(VENV)/installed ## Measure the actor runtime beside Pykka's own.
	$(BIN)/python scripts/bench_actors.py

.PHONY: bench-history
bench-history: $(VENV)/installed ## Measure what histories cost: to record, to read, to start up with.
	PYTHONPATH=bench $(BIN)/python scripts/bench_history.py

.PHONY: soak-short
soak-short: $(VENV)/installed-dev ## Let 100 guests live in 10 rooms for 5 minutes, beside a model of the rules.
	$(BIN)/python -m scripts.soak --seconds 300

.PHONY: fuzz-codec
fuzz-codec: $(VENV)/installed-dev ## Throw bytes at the codec with atheris (SECONDS=…), which is installed for it.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'atheris>=3,<4'
	PYTHONPATH=. $(BIN)/python scripts/fuzz_codec.py -max_total_time=$(SECONDS) -max_len=400

.PHONY: fuzz-http
fuzz-http: $(VENV)/installed-dev $(FUZZ)/bin/schemathesis ## Have schemathesis ask for what docs/openapi.json describes (SECONDS=… or EXAMPLES=…).
	$(BIN)/python -m scripts.fuzz_http $(FUZZ)/bin/schemathesis $(if $(EXAMPLES),--examples $(EXAMPLES),--seconds $(SECONDS))

SECONDS ?= 600

MINUTES ?= 120

.PHONY: soak
soak: $(VENV)/installed-dev ## Let 300 guests come and go for two hours (MINUTES=…), and watch memory, tasks and files.
	$(BIN)/python -m scripts.soak --minutes $(MINUTES) --identities 300 --rooms 60 --pause 10

.PHONY: vendor
vendor: scripts/vendor/node_modules/.installed ## Make anew what /lib serves, from packages of npm.
	node scripts/vendor/vendor.mjs

.PHONY: clean
clean: ## Remove what was installed and built; settings and data stay.
	rm -rf $(VENV) build *.egg-info $(JS_TESTS)/node_modules bench/node_modules
	rm -rf scripts/vendor/node_modules $(E2E)/node_modules $(E2E)/pictures
	rm -rf $(BROWSER)/node_modules $(BROWSER)/pictures
	rm -rf .mypy_cache .pytest_cache .ruff_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# Apart from what is looked at.
$(AUDIT)/bin/python:
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/pip install --quiet --disable-pip-version-check 'pip-audit>=2.10,<3' || echo "pip-audit can not be installed from here"

# The same; where it can not be installed, who needs it says that it is skipped.
$(FUZZ)/bin/schemathesis:
	$(PYTHON) -m venv $(FUZZ)
	$(FUZZ)/bin/pip install --quiet --disable-pip-version-check 'schemathesis>=4.32,<5' || echo "schemathesis can not be installed from here"

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/installed

%/node_modules/.installed: %/package-lock.json
	cd $* && npm ci --no-audit --no-fund --loglevel=error
	@touch $@
