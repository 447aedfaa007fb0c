# Thin: each target is one command. Everything runs in .venv, which is made and updated when pyproject.toml changes.
VENV := .venv
BENCH := cells synapses big100
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
.PHONY: help venv demo test lint docs bench clean

help:     ## show the targets
	@sed -n 's/^\([a-z]*\): .*## /\1\t/p' Makefile

venv: $(VENV)/.installed-dev ## make or update the virtual environment

$(VENV)/.installed-%: pyproject.toml ci/venv.sh
	@ci/venv.sh $(VENV) $*

demo: venv ## write a small circuit into demo/, simulate it on 2 MPI ranks, draw the results
	$(BIN)/neurodamus-like demo --output-dir=demo

test: venv ## run the whole test suite
	$(BIN)/python -m pytest -q --ignore=tests/benchmarks $(PYTEST_ARGS)

lint: venv ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet neurodamus_like tests docs/tutorials
	$(BIN)/mypy

docs: venv $(VENV)/.installed-docs ## build docs/_build/html, warnings are errors
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build/html

bench: venv ## measure beside floors and references; make bench BENCH='cells reports' chooses
	@for name in $(BENCH); do $(BIN)/python -m tests.benchmarks.bench_$$name || exit 1; done

clean: ## remove what was built, but keep .venv
	rm -rf build dist demo docs/_build x86_64 arm64 .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find neurodamus_like tests -name __pycache__ -type d -prune -exec rm -rf {} +
