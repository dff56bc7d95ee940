# Two commands do everything:  make run  and  make test.
# Both prepare the environment by themselves, and do it again only when pyproject.toml changes.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 7860
# torch is pinned: left to a resolver, it would bring several GB of CUDA packages along.
TORCH ?= torch==2.13.0
# pip would compile 26,000 modules on one processor; what cannot be compiled is nothing that is imported.
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --no-compile
COMPILE := $(BIN)/python -W ignore -m compileall -qq -j 0 $(VENV)/lib || true
# The tests start the program again and again: it is compiled once.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run install install-dev test checks lint typecheck layers pytest eval bench clean

run: install
	@$(BIN)/fineprint serve --samples --host $(HOST) --port $(PORT)

install: $(VENV)/.installed

install-dev: $(VENV)/.installed-dev

$(VENV)/bin/python:
	@set -e; for python in $(PYTHON) python3 python3.11 python3.12 python3.13; do \
	  if command -v $$python >/dev/null 2>&1 && \
	     $$python -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then \
	    echo "Making $(VENV) with $$($$python --version)"; $$python -m venv $(VENV); exit 0; fi; done; \
	echo "fineprint needs Python 3.11, 3.12 or 3.13 with the venv module: install it, or name it with 'make run PYTHON=/path/to/python'." >&2; exit 1

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	@echo "Installing (once; a few minutes)"
	@$(PIP) "$(TORCH)" --editable .
	@$(COMPILE)
	@touch $@

# All at once, which is faster than what running needs first and then the rest.
$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	@echo "Installing, with what the tests need (once; a few minutes)"
	@$(PIP) "$(TORCH)" --editable ".[dev]"
	@$(COMPILE)
	@touch $(VENV)/.installed $@

test: install-dev
	@$(MAKE) --no-print-directory --jobs=2 checks
	@$(MAKE) --no-print-directory pytest

checks: lint typecheck layers

lint: install-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

typecheck: install-dev
	@$(BIN)/mypy

layers: install-dev
	@$(BIN)/lint-imports

# Two workers: one waits for subprocesses and the browser while the other computes.
pytest: install-dev
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

eval: install
	@$(BIN)/fineprint eval

bench: install-dev
	@$(BIN)/python -m eval.speed

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
