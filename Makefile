# Everything a contributor does. `make help` lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
HOST ?= 127.0.0.1
WEB := frontend
NPM := npm --prefix $(WEB)
WEB_BUILD := $(WEB)/dist/index.html
WEB_SOURCES := $(shell find $(WEB)/src $(WEB)/public $(WEB)/scripts $(WEB)/index.html $(WEB)/vite.config.ts -type f -not -name '*.test.*')
HAS_NPM := $(shell command -v npm)
WEB_TYPES := $(WEB)/src/lib/api/schema.d.ts

.DEFAULT_GOAL := help
# Tests wait for PostgreSQL and for child processes: one tester more than cores keeps both busy.
TESTERS ?= 3
QUICK := tests/commands tests/events tests/projections tests/wiz tests/http tests/test_architecture.py

.PHONY: help install dev run demo test quick check lint types contracts fuzz bench chaos screenshots lock clean web no-web web-check web-types web-drift

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/.installed $(if $(HAS_NPM),$(WEB_BUILD),no-web) ## Make .venv with what running needs, at the locked versions, and the web app

dev: $(VENV)/.dev ## Add what testing needs

run: install ## Run VidWiz on http://$(HOST):$(PORT), with its own database (ARGS=--no-workers leaves the tasks to your workers)
	@echo 'Starting VidWiz on http://$(HOST):$(PORT); the first start makes its database.'
	@$(BIN)/vidwiz serve --host $(HOST) --port $(PORT) $(ARGS)

demo: install ## Load a sample video with notes
	$(BIN)/vidwiz demo

test: install dev ## Run the tests
	$(BIN)/pytest -n $(TESTERS) --dist loadfile --durations=10

quick: lint types contracts $(WEB)/node_modules/.installed ## What to run before every commit: lint, types, contracts, the tests without processes
	$(BIN)/pytest -n $(TESTERS) --dist loadfile --durations=10 $(QUICK)
	$(NPM) run -s test

check: lint types contracts web-check test ## What CI runs: lint, types, import contracts, the web app, tests

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: dev
	$(BIN)/mypy

contracts: dev
	$(BIN)/lint-imports

web: $(WEB_BUILD) ## Build the web app

no-web:
	@echo 'There is no npm: the web app is not built, the API works without it.'

web-check: $(WEB_BUILD) web-drift ## Lint, types, tests and size of the web app
	$(NPM) run -s lint
	$(NPM) run -s types
	$(NPM) run -s test
	$(NPM) run -s size

web-types: dev $(WEB)/node_modules/.installed ## Write the web app's types from the server's OpenAPI
	PYTHONPATH=. $(BIN)/python $(WEB)/scripts/openapi.py | $(NPM) exec -- openapi-typescript > $(WEB_TYPES)

web-drift: dev $(WEB)/node_modules/.installed
	PYTHONPATH=. $(BIN)/python $(WEB)/scripts/openapi.py | $(NPM) exec -- openapi-typescript | diff -u $(WEB_TYPES) - \
		|| (echo 'The routes have changed: run `make web-types`.' >&2; false)

fuzz: dev ## Ask a real service all that its OpenAPI allows and refuses (FUZZ_SECONDS for each caller)
	$(BIN)/python -m tests.fuzz

bench: dev ## Measure, and print a table (ARGS="--quick" for a short run)
	$(BIN)/python -m bench $(ARGS)

chaos: dev ## Kills and outages against a real service; figures go to bench/CHAOS.md (SOAK=30: memory for so many minutes)
	$(BIN)/python -m bench.chaos --markdown bench/CHAOS.md --soak $(or $(SOAK),0)

screenshots: dev $(WEB_BUILD) ## Write docs/screenshots: every page, on desktop and phone, light and dark (ARGS="admin help" for some)
	$(BIN)/python -m tests.browser.screenshots $(ARGS)

lock: dev ## Pin the newest allowed versions of everything
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-header --no-annotate pyproject.toml --group build -o requirements.lock
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-header --no-annotate pyproject.toml --group build --group dev \
		-c requirements.lock -o requirements-dev.lock

clean: ## Remove what was made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis bench/out $(WEB)/node_modules $(WEB)/dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "VidWiz needs Python 3.11 or newer")'
	@echo 'Making $(VENV) ...'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python requirements.lock pyproject.toml
	@echo 'Installing the Python packages into $(VENV); this takes the better part of a minute ...'
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed requirements-dev.lock
	@echo 'Installing what the tests need into $(VENV) ...'
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

$(WEB)/node_modules/.installed: $(WEB)/package-lock.json $(WEB)/.npmrc
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' \
		|| (echo 'The web app is built with Node 20.19 or newer and its npm.' >&2; false)
	@echo 'Installing the packages of the web app into $(WEB)/node_modules ...'
	@$(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

$(WEB_BUILD): $(WEB)/node_modules/.installed $(WEB_SOURCES)
	@echo 'Building the web app ...'
	@$(NPM) run -s build -- --logLevel warn
	@touch $@
