# The two commands of a newcomer are `make demo` and `make test`; `make help` lists the rest.
# PYTHON is only used to create .venv: any Python from 3.11 on.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
LOCKED := $(VENV)/.locked
INSTALLED := $(VENV)/.installed
LOWEST := .venv-lowest
UV_VERSION := 0.13.9
COMPILE := .venv-lock/bin/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	--no-strip-extras --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet --upgrade

.PHONY: help demo test test-lowest lint format types layers bench calibration calibration-check lock wheel install clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 19

demo: $(INSTALLED) ## simulate six experiments, run them, say where the index is
	@$(BIN)/abtest demo .

test: $(INSTALLED) ## run all tests and documentation examples (ARGS="-k word" for some)
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal --durations 15 $(ARGS)

test-lowest: $(LOWEST)/.installed ## the same tests with the lowest versions that pyproject.toml allows
	$(LOWEST)/bin/python -m pytest --numprocesses auto --dist worksteal -W ignore::DeprecationWarning -W ignore::FutureWarning $(ARGS)

lint: $(INSTALLED) ## style of the code and its format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(INSTALLED) ## put the code in its format
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .

types: $(INSTALLED) ## mypy --strict
	$(BIN)/mypy -p abtest
	$(BIN)/mypy -p benchmarks
	$(BIN)/mypy -p calibration

layers: $(INSTALLED) ## a module imports only from layers below its own
	$(BIN)/lint-imports

bench: $(INSTALLED) ## measure; writes benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks $(ARGS)

calibration: $(INSTALLED) ## try every promise of the statistics; writes docs/calibration.md (an hour)
	$(BIN)/python -m calibration $(ARGS)

calibration-check: $(INSTALLED) ## after that, try a part of them again with other draws (minutes)
	$(BIN)/python -m calibration --check

wheel: $(INSTALLED) ## build sdist and wheel into dist/
	$(BIN)/python -m build --no-isolation

install: $(INSTALLED) ## create .venv with everything pinned

# pip refuses an editable project together with hashes, hence two steps. The lock is complete, so
# there is nothing to resolve (older versions of pip stumble over extras in one that has hashes).
$(LOCKED): requirements/lock.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "abtest needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	       "Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing pinned packages into $(VENV) (a few minutes the first time)"
	@$(PIP) install --no-deps --require-hashes --requirement requirements/lock.txt
	@touch $@

$(INSTALLED): $(LOCKED) pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

# Some of the lowest versions are older than Python 3.13 and have no wheels for it.
$(LOWEST)/.installed: requirements/lowest.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' || { \
	  echo "The lowest versions need Python 3.11 or 3.12, and $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	       "Name another one: make test-lowest PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(LOWEST)
	@echo "installing the lowest allowed packages into $(LOWEST)"
	@$(LOWEST)/bin/python -m pip --disable-pip-version-check -qq install --no-deps --require-hashes --requirement $<
	@$(LOWEST)/bin/python -m pip --disable-pip-version-check -qq install --no-deps --no-build-isolation --editable .
	@touch $@

lock: .venv-lock/.installed ## resolve pyproject.toml again into requirements/
	$(COMPILE) --fork-strategy fewest --output-file requirements/lock.txt
	$(COMPILE) --resolution lowest-direct --output-file requirements/lowest.txt

.venv-lock/.installed: Makefile
	@$(PYTHON) -m venv --clear .venv-lock
	@.venv-lock/bin/python -m pip --disable-pip-version-check -qq install uv==$(UV_VERSION)
	@touch $@

clean: ## remove environments and caches (reports and data stay)
	rm -rf $(VENV) $(LOWEST) .venv-lock dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
