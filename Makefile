# The two commands that matter: `make demo` and `make test`. Both set up what they need, and ask nothing.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OUT := demo-out
# Without a screen Qt aborts when it looks for one; an empty value leaves the choice to Qt.
QT_PLATFORM := $(if $(DISPLAY)$(WAYLAND_DISPLAY),,offscreen)

.PHONY: help
help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(READY)  ## do the main job on the built-in model: a table, a compressed file, a report, the window
	@$(if $(QT_PLATFORM),QT_QPA_PLATFORM=$(QT_PLATFORM) )$(BIN)/workbench demo --out $(OUT)

.PHONY: run
run: $(READY)  ## open the window
	@$(BIN)/workbench gui

.PHONY: test
test: lint  ## every check and every test that takes seconds
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest

.PHONY: test-all
test-all: lint  ## the tests that take minutes too
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -m "not bench"

.PHONY: bench
bench: $(READY)  ## print the tables of figures
	@QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -m bench -s

.PHONY: lint
lint: $(READY)  ## style, types and the import contract
	@$(BIN)/python -m ruff check
	@$(BIN)/python -m ruff format --check
	@$(BIN)/python -m mypy
	@$(BIN)/lint-imports --no-logo

.PHONY: setup
setup: $(READY)  ## the virtual environment, the packages and Qt's system libraries

# Made again when the list of packages changes, and only then.
$(READY): pyproject.toml packaging/setup.sh
	@packaging/setup.sh $(VENV)
	@touch $@

.PHONY: demo-files
demo-files: $(READY)  ## train the demo's network anew (installs torch and scikit-learn)
	@$(BIN)/python -m pip install --quiet -e '.[demo-maker]'
	@$(BIN)/python packaging/make_demo.py

.PHONY: clean
clean:  ## remove what make made, except the virtual environment
	@rm -rf $(OUT) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
