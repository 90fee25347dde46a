PYTHON ?= python3
VENV ?= .venv
PATH_TO_SEARCH = $(if $(filter file command% environment%,$(origin PATH_)),$(PATH_),)
.PHONY: demo test lint types format unit clean

BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

test: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest
