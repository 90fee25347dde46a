# Two commands on a fresh machine: `make demo` and `make test`. They need Python 3.11+, make and a package index.
#
#   make demo                                      ask this project's own source, in src, a question
#   make demo PATH=~/src/app Q="where is the login checked?"

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint format types unit golden torch clean

# PATH here is the folder to search. Given on make's command line it would also replace the PATH of every recipe (and,
# from GNU make 4.4, of $(shell ...)), and no tool would be found any more. So the value is taken for the demo, and PATH
# is set back: to what the shell still has, else to what make was started with, else to the system's own folders.
# `value` keeps a `$` in a question or a folder name from being read as a make variable.
ifneq ($(filter command override,$(firstword $(origin PATH))),)
SEARCHED := $(value PATH)
export SEARCHED
override PATH := $(shell \
  if [ "$$PATH" != "$$SEARCHED" ] && [ "$$PATH" != '$(subst ','\'',$(value PATH))' ]; then echo "$$PATH"; else \
    PATH=/usr/bin:/bin; export PATH; \
    found=$$(tr '\0' '\n' 2>/dev/null </proc/$$PPID/environ | sed -n 's/^PATH=//p'); \
    echo "$${found:-$$(getconf PATH):/usr/local/bin:/opt/homebrew/bin}"; fi)
else
SEARCHED := src
export SEARCHED
endif
export PATH

Q ?= how are vectors that are already known reused after a rename
QUESTION := $(value Q)
export QUESTION

PYTHON ?= python3
VENV := .venv
DEMO_VENV := .demo-venv
TORCH_VENV := .torch-venv
DEMO_DATA := $(CURDIR)/build/demo
SOURCES := pyproject.toml hatch_build.py README.md $(shell find src models -type f ! -name '*.pyc')

help:  ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' Makefile

demo: $(DEMO_VENV)/.installed  ## Index PATH (default: this project) and answer Q; leaves nothing outside this folder
	@CODERANK_DATA_DIR="$(DEMO_DATA)/data" CODERANK_CACHE_DIR="$(DEMO_DATA)/cache" \
	  $(DEMO_VENV)/bin/coderank search --wait --limit 5 -- "$$QUESTION" "$$SEARCHED"

$(DEMO_VENV)/.installed: $(SOURCES)
	@echo "installing coderank into $(DEMO_VENV)"
	@$(PYTHON) -c 'import sys; sys.exit("coderank needs Python 3.11 or newer: make demo PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(DEMO_VENV)
	@$(DEMO_VENV)/bin/python -m pip install --quiet --disable-pip-version-check .
	@touch $@

test: lint types unit  ## Run everything that CI runs

lint: $(VENV)/.installed  ## Check style and formatting
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/.installed  ## Check types
	$(VENV)/bin/mypy

unit: $(VENV)/.installed  ## Run the tests
	$(VENV)/bin/pytest

torch: $(TORCH_VENV)/.installed  ## Run the tests that need torch, in an environment of their own (not part of test)
	$(TORCH_VENV)/bin/pytest tests/embedding tests/loading tests/models tests/reranking tests/training

$(TORCH_VENV)/.installed: pyproject.toml hatch_build.py constraints.txt
	$(PYTHON) -m venv $(TORCH_VENV)
	$(TORCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,torch]'
	touch $@

golden: $(VENV)/.installed  ## Rank the pinned corpus anew, after a change of the ranking: look at the difference
	$(VENV)/bin/python -m tests.golden.rankings

format: $(VENV)/.installed  ## Format the source
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

$(VENV)/.installed: pyproject.toml hatch_build.py
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

clean:  ## Remove environments, caches and the demo's index
	rm -rf $(VENV) $(DEMO_VENV) $(TORCH_VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
