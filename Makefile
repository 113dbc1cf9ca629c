# `make demo` and `make test` need Python 3.11 or newer and make; they set up everything else themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
# Container images often tell Python not to keep compiled modules; then each process would compile brainseg again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo dashboard lint test-fast test coverage bench docs wheel clean

help:
	@echo "make demo       open the dashboard while a model trains on synthetic slices, with nothing to download"
	@echo "make dashboard  open the dashboard alone"
	@echo "make test       run the whole test suite"
	@echo "make test-fast  run the tests that need no training and no browser: about a minute"
	@echo "make coverage   run the tests without pages and browser, and print their branch coverage: at least 90 %"
	@echo "make bench      measure brainseg beside plain fastai and others: under 15 minutes on 2 idle cores"
	@echo "make lint       check style and types, and that each room imports only from rooms below it"
	@echo "make docs       build the documentation in site/"
	@echo "make wheel      build the wheel in dist/"
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

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_floors.py

# Folders without such a test are not even read.
test-fast: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m unit $(addprefix --ignore=tests/,app browser cli jobs models runs servers)

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# Apart from `make test`, since counting takes half as long again. Processes that tests start are not counted.
coverage: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "unit or train" --cov --cov-report=
	$(BIN)/coverage report --omit "brainseg/app/*" --fail-under 90

# On an otherwise idle machine: everything is timed. The page of the documentation follows what was stored.
bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.speed
	@$(BIN)/python -m benchmarks.speed --report > /dev/null

docs: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

wheel: $(VENV)/.installed-dev
	rm -rf build dist
	$(BIN)/python -m build --wheel --no-isolation
	rm -rf build

clean:
	find . -name __pycache__ -prune -exec rm -rf {} +
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .coverage build dist site
	find artifacts -mindepth 1 ! -name README.md -delete
