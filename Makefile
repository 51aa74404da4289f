# Everything a contributor does. `make help` lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
HOST ?= 127.0.0.1

.DEFAULT_GOAL := help
.PHONY: help install dev run demo test check lint types contracts bench lock clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: $(VENV)/.installed ## Make .venv with what running needs, at the locked versions

dev: $(VENV)/.dev ## Add what testing needs

run: install ## Run VidWiz on http://$(HOST):$(PORT), with its own database
	$(BIN)/vidwiz serve --host $(HOST) --port $(PORT)

demo: install ## Load a sample video with notes
	$(BIN)/vidwiz demo

test: dev ## Run the tests
	$(BIN)/pytest -n 2 --dist loadfile

check: lint types contracts test ## What CI runs: lint, types, import contracts, tests

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: dev
	$(BIN)/mypy

contracts: dev
	$(BIN)/lint-imports

bench: dev ## Measure, and print a table (ARGS="--quick" for a short run)
	$(BIN)/python -m bench $(ARGS)

lock: dev ## Pin the newest allowed versions of everything
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-header --no-annotate pyproject.toml --group build -o requirements.lock
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-strip-extras \
		--no-header --no-annotate pyproject.toml --group build --group dev \
		-c requirements.lock -o requirements-dev.lock

clean: ## Remove what was made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis bench/out

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "VidWiz needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python requirements.lock pyproject.toml
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed requirements-dev.lock
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
