# Two commands do everything:  make run  and  make test.
# Both prepare the environment by themselves, and do it again only when pyproject.toml changes.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 7860
# torch is pinned: left to a resolver, it would bring several GB of CUDA packages along.
TORCH ?= torch==2.13.0
# uv installs in a sixth of pip's time. It does not read where pip is told to look for packages, so it is told, too; where
# it cannot be had, or does not get them all, pip does it.
PIP := $(BIN)/python -m pip --disable-pip-version-check
TOLD = $${PIP_$(1):-$$($(PIP) config get global.$(2) 2>/dev/null)}
define INSTALL
{ $(PIP) install --quiet --no-compile uv; \
  index="$(call TOLD,INDEX_URL,index-url)"; extra="$$(echo $(call TOLD,EXTRA_INDEX_URL,extra-index-url))"; \
  links="$$(echo $(call TOLD,FIND_LINKS,find-links) | tr ' ' ,)"; \
  env UV_INDEX_STRATEGY=unsafe-best-match $${index:+UV_DEFAULT_INDEX="$$index"} $${extra:+UV_INDEX="$$extra"} \
    $${links:+UV_FIND_LINKS="$$links"} $(BIN)/uv pip install --python $(BIN)/python --quiet "$(TORCH)" --editable $(1); } || \
$(PIP) install --quiet --no-compile "$(TORCH)" --editable $(1)
endef
# What is served reads PDF and Word; a name of its own, because make would cut the argument of a call at the comma.
SERVED := ".[pdf,docx]"
# Compiled on all processors; what nothing here imports, half of it all, is left out.
COMPILE := $(BIN)/python -W ignore -m compileall -qq -j 0 -x '/(kubernetes|transformers/models|tests?)/' $(VENV)/lib || true
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
	@$(call INSTALL,$(SERVED))
	@$(COMPILE)
	@touch $@

# All at once, which is faster than what running needs first and then the rest.
$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/python
	@echo "Installing, with what the tests need (once; a few minutes)"
	@$(call INSTALL,".[dev]")
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
	@$(BIN)/fineprint bench

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
