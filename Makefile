# The commands of the project; each sets itself up first and needs nothing but Python 3.11 or later.
PYTHON ?= python3
POSTGRES ?= 18
TESTS ?= tests
WORKERS ?= 3
ARGS ?=

BIN := .venv/bin
READY := .venv/.ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help setup demo test lint bench soak

help:
	@echo "make demo   a guild's first evening, on this machine alone (make demo ARGS='--once')"
	@echo "make test   all tests (POSTGRES=16 for the older server, TESTS=tests/db for a part)"
	@echo "make lint   style, types, import contracts"
	@echo "make bench  figures          make soak  the long series (COUNT=200 SERVERS=1000 for all of it)"
	@echo "make setup  only .venv"

setup: $(READY)

$(READY): requirements.lock pyproject.toml companion_app/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Muster needs Python 3.11 or later")'
	$(PYTHON) -m venv .venv
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation -e . -e ./companion_app
	@touch $@

demo: setup
	@$(BIN)/muster demo $(ARGS)

# Bytecode is kept whatever the machine says: else each worker compiles all tests, and each bot process the bot.
test: setup
	PYTHONDONTWRITEBYTECODE= TEST_POSTGRES_VERSION=$(POSTGRES) \
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS) $(ARGS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m tests.bench $(ARGS)

soak: setup
	$(BIN)/python -m pytest -m soak tests/soak $(if $(COUNT),--soak-count $(COUNT)) $(if $(SERVERS),--soak-servers $(SERVERS)) $(ARGS)
