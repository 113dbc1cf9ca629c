# `make demo` and `make test` need Python 3.11 or newer and make; they set up everything else themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help

.PHONY: help demo dashboard test lint clean

help:
	@echo "make demo       open the dashboard while a model trains on synthetic slices, with nothing to download"
	@echo "make dashboard  open the dashboard alone"
	@echo "make test       run the whole test suite"
	@echo "make lint       check style"
	@echo "make clean      remove the environment and everything that brainseg wrote"

$(VENV)/.installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "brainseg needs Python 3.11 or newer: set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(BIN)/pip install --quiet -r requirements-dev.txt
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/python -m brainseg demo

dashboard: $(VENV)/.installed
	$(BIN)/python -m brainseg dashboard

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache
	find artifacts -mindepth 1 ! -name README.md -delete
