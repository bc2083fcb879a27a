# The two commands that matter: `make demo` and `make test`. Both set up what they need, and ask nothing.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# With a screen, what windows need on it as well.
ON_SCREEN_READY := $(READY) $(if $(DISPLAY)$(WAYLAND_DISPLAY),$(VENV)/.ready-screen)
OUT := demo-out
# Libraries of Qt's that setup had to keep in the virtual environment.
WITH := packaging/with_libraries.sh $(VENV)
# Without a screen Qt aborts when it looks for one; with one, the choice is Qt's.
ON_SCREEN := $(if $(DISPLAY)$(WAYLAND_DISPLAY),$(WITH),env QT_QPA_PLATFORM=offscreen $(WITH))
OFFSCREEN := env QT_QPA_PLATFORM=offscreen $(WITH)

.PHONY: help
help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(ON_SCREEN_READY)  ## do the main job on the built-in model: a table, a compressed file, a report, the window
	@$(ON_SCREEN) $(BIN)/workbench demo --out $(OUT) --force

.PHONY: run
run: $(ON_SCREEN_READY)  ## open the window
	@$(WITH) $(BIN)/workbench gui

.PHONY: test
test: lint  ## every check and every test that takes seconds
	@$(OFFSCREEN) $(BIN)/python -m pytest

.PHONY: test-all
test-all: lint  ## the tests that take minutes too
	@$(OFFSCREEN) $(BIN)/python -m pytest -m "not bench" --timeout 1800

.PHONY: bench
bench: $(READY)  ## print the tables of figures
	@$(OFFSCREEN) $(BIN)/python -m pytest -m bench --timeout 0 -s tests/benchmarks/bench_*.py

.PHONY: lint
lint: $(READY)  ## style, types and the import contract
	@$(BIN)/python -m ruff check
	@$(BIN)/python -m ruff format --check
	@$(BIN)/python -m mypy
	@$(BIN)/lint-imports --no-logo

.PHONY: setup
setup: $(READY)  ## the virtual environment, the packages and Qt's system libraries

# Made again when the list of packages changes, and only then.
$(READY): pyproject.toml packaging/setup.sh packaging/system_packages.sh
	@packaging/setup.sh $(VENV)
	@touch $@

$(VENV)/.ready-screen: $(READY)
	@packaging/setup.sh $(VENV) screen
	@touch $@

.PHONY: demo-files
demo-files: $(READY)  ## train the demo's network anew (installs torch and scikit-learn)
	@$(BIN)/python -m pip install --quiet -e '.[demo-maker]'
	@$(BIN)/python packaging/make_demo.py

.PHONY: clean
clean:  ## remove what make made, except the virtual environment
	@rm -rf $(OUT) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
